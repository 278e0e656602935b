"""The workspace API answers as its OpenAPI document says, good input and bad, and shows nobody another workspace."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.upload_store import MemoryUploadStore
from presage.features.profile import profile_version
from presage.features.records import FeatureSetVersion, Record
from presage.predictions.ports import PredictionLogEntry
from services.backend.app import build_app
from services.backend.context import BackendPorts
from tests.fixtures.backend_ports import build_ports
from tests.fixtures.metadata_rows import NOW, make_move, make_notification, make_version
from tests.fixtures.openapi import OpenApi

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi" / "backend.yaml"
OPERATOR = "operator-token"
VIEW = {
    "name": "orders",
    "dataset": "orders",
    "features": [{"name": "spent", "function": "sum", "column": "spent"}, {"name": "n", "function": "count"}],
}
SPEC = {
    "kind": "classification",
    "observations": {"dataset": "orders"},
    "label": {"dataset": "orders", "window_days": 30},
    "feature_views": [VIEW],
}
PRIMARY = {"name": "bought", "kind": "conversion", "dataset": "orders"}


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    """The document with its shared responses put in the place of their references."""
    document = yaml.safe_load(DOCUMENT.read_text())
    for item in document["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if "$ref" in answer:
                    operation["responses"][status] = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return OpenApi(document)


@dataclass
class Service:
    """The application on memory adapters, and a caller; every answer is held against the document."""

    openapi: OpenApi
    ports: BackendPorts = field(default_factory=build_ports)
    token: str = ""
    workspace_id: str = ""

    def __post_init__(self) -> None:
        self.client: FlaskClient = build_app(self.ports, operator_token=OPERATOR, public_api_url="https://api.example").test_client()

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> TestResponse:  # noqa: ANN401 - JSON
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        response = self.client.open(f"/api/v1{path}", method=method, json=body, headers=headers)
        if response.status_code == 204:
            assert response.data == b""
        else:
            self.openapi.check(response)
        return response

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        response = self.call("GET", path)
        assert response.status_code == 200, response.text
        return response.get_json()

    def post(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        response = self.call("POST", path, body)
        assert response.status_code in {200, 201, 202}, response.text
        return response.get_json()

    def refuse(self, method: str, path: str, body: Any = None) -> tuple[int, str, str | None]:  # noqa: ANN401 - JSON
        response = self.call(method, path, body)
        problem = response.get_json()
        assert response.mimetype == "application/problem+json", response.text
        return response.status_code, problem["code"], problem.get("path")

    def enter(self, name: str = "Shop") -> dict[str, str]:
        owner = {"email": "ann@example.com", "name": "Ann"}
        registration: dict[str, str] = self.call("POST", "/workspaces", {"name": name, "owner": owner}, token=OPERATOR).get_json()
        self.token, self.workspace_id = registration["token"], registration["workspace_id"]
        return registration

    def create_dataset(self) -> str:
        columns = [{"name": "spent", "type": "number"}]
        return str(self.post("/datasets", {"name": "orders", "entity": "customer", "columns": columns})["dataset_id"])

    def create_model(self) -> str:
        self.create_dataset()
        return str(self.post("/models", {"name": "again", "default": "0", "spec": SPEC})["model_id"])

    def create_experiment(self, **changes: object) -> str:
        self.create_model()
        plan = {"name": "trial", "model": "again", "primary": PRIMARY, "planned_units": 2000} | changes
        return str(self.post("/experiments", plan)["experiment_id"])


@pytest.fixture
def service(openapi: OpenApi) -> Service:
    service = Service(openapi)
    service.enter()
    return service


def test_the_document_is_valid_and_names_exactly_the_routes(service: Service, openapi: OpenApi) -> None:
    validate(openapi.document)
    routes = set()
    for rule in service.client.application.url_map.iter_rules():
        template = rule.rule.replace("<any(staging, production):alias>", "{alias}").replace("<int:version>", "{version}")
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if template.startswith("/api/v1"):
            routes |= {(method, template.replace("<", "{").replace(">", "}")) for method in methods}
    assert routes == openapi.operations()


def test_every_operation_but_the_operators_needs_a_users_token(service: Service, openapi: OpenApi) -> None:
    of_the_operator = set()
    for method, template in sorted(openapi.operations()):
        path = template.removeprefix("/api/v1").replace("{alias}", "production").replace("{version}", "1")
        assert {service.call(method, path, {}, token=token).status_code for token in ("", "wrong")} == {401}, (method, path)
        if service.call(method, path, {}, token=OPERATOR).status_code != 401:
            of_the_operator.add(path)
            assert service.call(method, path, {}, token=service.token).status_code == 401, (method, path)
    assert of_the_operator == {"/workspaces", "/operations/queues", "/operations/queues/jobs/redrive"}


def test_a_workspace_shows_its_caller_and_takes_members(service: Service) -> None:
    shown = service.get("/workspace")
    member = service.post("/users", {"email": "bob@example.com", "name": "Bob"})

    assert (shown["workspace_id"], shown["user"]["role"], shown["public_api_url"]) == (service.workspace_id, "owner", "https://api.example")
    assert "token" not in shown["user"]
    service.token = member["token"]
    assert service.get("/workspace")["user"]["email"] == "bob@example.com"
    assert service.refuse("POST", "/users", {"email": "eve@example.com", "name": "Eve"}) == (403, "forbidden", None)


def test_a_keys_value_is_shown_once(service: Service) -> None:
    key = service.post("/api-keys", {"name": "web", "plan": "standard"})

    listed = service.get("/api-keys")["items"]
    assert listed == [{name: value for name, value in key.items() if name != "key"}]
    assert service.call("DELETE", f"/api-keys/{key['api_key_id']}").status_code == 204
    assert service.get("/api-keys")["items"][0]["revoked_at"]
    assert service.refuse("DELETE", "/api-keys/unknown") == (404, "not_found", None)


def test_a_publishable_key_is_listed_with_its_kind_and_origins(service: Service) -> None:
    secret = service.post("/api-keys", {"name": "server"})
    public = service.post("/api-keys", {"name": "web", "kind": "publishable", "origins": ["https://shop.example.com"]})

    assert (secret["kind"], secret["origins"]) == ("secret", [])
    assert [(key["kind"], key["origins"]) for key in service.get("/api-keys")["items"]] in (
        [("publishable", ["https://shop.example.com"]), ("secret", [])],
        [("secret", []), ("publishable", ["https://shop.example.com"])],
    )
    assert public["key"].startswith("pk_")
    assert service.refuse("POST", "/api-keys", {"name": "x", "origins": ["https://a.example"]}) == (400, "invalid_input", "$.origins")


def test_a_key_is_limited_and_rotated(service: Service) -> None:
    wish = {"name": "batch", "scopes": ["records.write"], "expires_at": "2999-01-01T00:00:00Z"}
    old = service.post("/api-keys", wish)
    path = f"/api-keys/{old['api_key_id']}/rotate"

    new = service.post(path)
    listed = {key["api_key_id"]: key for key in service.get("/api-keys")["items"]}

    assert (old["scopes"], old["expires_at"]) == (["records.write"], "2999-01-01T00:00:00Z")
    assert (new["scopes"], new["name"], new["key"] != old["key"]) == (["records.write"], "batch", True)
    assert listed[old["api_key_id"]]["expires_at"] < old["expires_at"]
    assert service.post(path, {"overlap_hours": 0})["api_key_id"] not in listed
    assert service.refuse("POST", path)[:2] == (409, "conflict")
    for changes, place in (({"scopes": []}, "$.scopes"), ({"expires_at": "1998-01-01T00:00:00Z"}, "$.expires_at")):
        assert service.refuse("POST", "/api-keys", wish | changes) == (400, "invalid_input", place)


def list_pages(service: Service, path: str) -> list[Any]:
    """All items of a list, asked for by two, of which there are five."""
    found, after = [], ""
    for expected in (2, 2, 1):
        page = service.get(f"{path}?limit=2&after={after}")
        assert len(page["items"]) == expected
        found += page["items"]
        after = page["next"]
    assert after is None
    return found


def test_keys_and_versions_come_in_pages(service: Service) -> None:
    keys = [service.post("/api-keys", {"name": str(number)})["api_key_id"] for number in range(5)]
    assert sorted(key["api_key_id"] for key in list_pages(service, "/api-keys")) == sorted(keys)

    model_id = service.create_model()
    model = service.ports.models.get_model(service.workspace_id, model_id)
    for number in range(1, 6):
        service.ports.versions.create_version(make_version(model, number))
    assert [version["version"] for version in list_pages(service, f"/models/{model_id}/versions")] == [5, 4, 3, 2, 1]
    for after in ("x", "-1", "9" * 30, "%C2%B2"):
        assert service.refuse("GET", f"/models/{model_id}/versions?after={after}") == (400, "invalid_input", "?after")


def test_a_dataset_shows_its_newest_version_sample_and_summary(service: Service) -> None:
    dataset_id = service.create_dataset()
    assert service.get(f"/datasets/{dataset_id}")["newest_version"] is None

    dataset, store = service.ports.datasets.get_dataset(service.workspace_id, dataset_id), MemoryFeatureSetStore()
    records = [Record(f"r{number}", f"c{number}", NOW, NOW, {"spent": number / 2}) for number in range(7)]
    parts = tuple(store.put_part(dataset, batch, "2026-03", part) for batch, part in (("a", records[:3]), ("b", records[3:])))
    version = FeatureSetVersion(dataset, 1, parts, NOW)
    service.ports.feature_sets.create_version(version)
    unprofiled = service.get(f"/datasets/{dataset_id}")["newest_version"]
    profile_version(version=version, store=store, sample_rows=5)
    made = store.find_profile(service.workspace_id, dataset_id, 1)
    assert made is not None
    service.ports.feature_sets.put_profile(version, sample=made[0], summary=made[1])
    newest = service.get(f"/datasets/{dataset_id}")["newest_version"]

    assert (unprofiled["rows"], unprofiled["profiled"], unprofiled["sample"]) == (7, False, None)
    assert (newest["version"], newest["profiled"]) == (1, True)
    assert service.call("GET", newest["sample"].removeprefix("/api/v1")).data.count(b"\n") == 5
    assert service.get(newest["summary"].removeprefix("/api/v1"))["rows"] == 7
    assert service.refuse("GET", f"/datasets/{dataset_id}/versions/2/summary") == (404, "not_found", None)


def test_an_import_needs_an_upload_of_the_same_workspace(service: Service) -> None:
    path = f"/datasets/{service.create_dataset()}"
    upload = service.post(f"{path}/uploads", {"file_name": "orders.csv"})
    body = {"key": upload["key"], "format": "csv", "entity_column": "who", "event_timestamp_column": "at"}
    uploads = service.ports.uploads
    assert isinstance(uploads, MemoryUploadStore)
    uploads.objects["ws=ws_other/imports/up_1/orders.csv"] = b"secret"

    assert service.refuse("POST", f"{path}/imports", body) == (400, "invalid_input", "$.key")
    foreign = body | {"key": "ws=ws_other/imports/up_1/orders.csv"}
    assert service.refuse("POST", f"{path}/imports", foreign) == (400, "invalid_input", "$.key")
    assert service.get("/jobs")["items"] == []

    uploads.objects[upload["key"]] = b"who,at\n"
    job = service.post(f"{path}/imports", body)
    assert service.get(f"/jobs/{job['job_id']}")["arguments"]["entity_column"] == "who"


def test_a_model_is_built_by_jobs_with_numbers_of_their_own(service: Service) -> None:
    path = f"/models/{service.create_model()}"

    jobs = [service.post(f"{path}/builds", body) for body in ({}, {"cutoff": "1998-01-01T00:00:00Z", "alias": "staging"})]

    assert [job["arguments"]["version"] for job in jobs] == [1, 2]
    assert jobs[1]["arguments"]["cutoff"] == "1998-01-01T00:00:00Z"
    assert [job["arguments"]["alias"] for job in jobs] == ["production", "staging"]
    assert service.get(path)["spec"]["label"]["window_days"] == 30


def test_an_experiment_starts_is_looked_at_and_stops(service: Service) -> None:
    path = f"/experiments/{service.create_experiment()}"

    started = service.post(f"{path}/start")
    job = service.post(f"{path}/analyses", {"as_of": "1998-04-08T00:00:00Z"})
    stopped = service.post(f"{path}/stop")

    assert (started["state"], stopped["state"]) == ("running", "stopped_by_user")
    assert (job["kind"], job["arguments"]["as_of"]) == ("analyse_experiment", "1998-04-08T00:00:00Z")
    assert service.get(path)["looks"] == []
    assert service.refuse("POST", f"{path}/start")[:2] == (409, "conflict")


def test_an_experiment_against_an_earlier_version_says_which(service: Service) -> None:
    experiment_id = service.create_experiment(control_policy="previous_version")
    path = f"/experiments/{experiment_id}"
    model = service.ports.models.get_model(service.workspace_id, service.get(path)["model_id"])
    assert service.refuse("POST", f"{path}/start")[:2] == (409, "conflict")
    for number in (1, 2, 3):
        service.ports.versions.append_alias_move(make_move(model, number))

    assert service.refuse("POST", f"{path}/start", {"control_version": 3}) == (400, "invalid_input", "$.control_version")
    started = service.post(f"{path}/start", {"reason": "is 3 better than 1?", "control_version": 1})

    assert (started["state"], started["control_version"]) == ("running", 1)
    plan = {"name": "popular", "model": "again", "primary": PRIMARY, "planned_units": 2000, "control_policy": "popularity"}
    assert service.refuse("POST", "/experiments", plan) == (400, "invalid_input", "$.control_policy")


def test_a_holdout_is_set_for_experiments_to_come(service: Service) -> None:
    assert service.get("/holdout") == {"share": 0.0, "changed_by": None, "changed_at": None}
    assert service.refuse("PUT", "/holdout", {"share": 0.7}) == (400, "invalid_input", "$.share")
    changed = service.call("PUT", "/holdout", {"share": 0.05}).get_json()
    path = f"/experiments/{service.create_experiment(segment={'layer': 'search', 'start': 0.0, 'end': 0.5})}"
    started = service.post(f"{path}/start")

    assert (changed["share"], service.get("/holdout")) == (0.05, changed)
    assert changed["changed_by"].startswith("usr_")
    assert (started["holdout_share"], started["plan"]["segment"]["end"]) == (0.05, 0.5)


def test_weights_of_a_running_experiment_change_and_say_who_moves(service: Service) -> None:
    path = f"/experiments/{service.create_experiment(treatment_share=0.1)}"
    body = {"treatment_share": 0.5, "reason": "nothing broke"}
    assert service.refuse("POST", f"{path}/weights", body)[:2] == (409, "conflict")
    service.post(f"{path}/start")
    changed = service.post(f"{path}/weights", body)

    assert (changed["allocation_version"], changed["moved_share"]) == (2, pytest.approx(0.4))
    assert service.get(f"{path}/results")["events"][-1] == changed["event"]
    assert service.refuse("POST", f"{path}/weights", body) == (400, "invalid_input", "$.treatment_share")
    assert service.refuse("POST", f"{path}/weights", {"treatment_share": 0.4, "reason": ""}) == (400, "invalid_input", "$.reason")


def test_metrics_of_every_kind_are_planned_and_faults_named(service: Service) -> None:
    service.create_model()
    spent = {"name": "spent", "kind": "sum", "dataset": "orders", "value_column": "spent", "cap": 500, "covariate_hours": 336}
    rate = {"name": "rate", "kind": "ratio", "dataset": "orders", "denominator": {"dataset": "orders", "value_column": "spent"}}
    others = [
        {"name": "kept", "kind": "retention", "dataset": "orders", "start_hours": 24, "window_hours": 168},
        {"name": "orders", "kind": "count", "dataset": "orders"},
        {"name": "basket", "kind": "mean", "dataset": "orders", "value_column": "spent"},
    ]
    plan = {"name": "trial", "model": "again", "primary": spent, "planned_units": 2000, "minimum_effect": 2.5}
    plan |= {"guardrails": [{"metric": rate, "margin": 0.1}], "secondary": others}

    created = service.post("/experiments", plan)["plan"]
    unnamed = {**plan, "secondary": [{**rate, "denominator": {"dataset": "orders", "columns": "spent"}}]}
    missing = {**plan, "secondary": [{**rate, "name": "r", "denominator": {"dataset": "visits"}}]}

    assert (created["primary"]["cap"], created["secondary"][0]["start_hours"]) == (500.0, 24)
    assert service.refuse("POST", "/experiments", unnamed)[::2] == (400, "$.secondary[0].denominator.columns")
    assert service.refuse("POST", "/experiments", missing)[::2] == (400, "$.secondary[0].denominator.dataset")


def test_a_job_can_be_cancelled_and_notifications_are_the_workspaces(service: Service) -> None:
    job = service.post(f"/models/{service.create_model()}/builds", {})
    service.ports.notifications.put_notification(make_notification(service.workspace_id))
    service.ports.notifications.put_notification(make_notification("ws_other"))

    assert service.post(f"/jobs/{job['job_id']}/cancel")["state"] == "cancelled"
    assert len(service.get("/notifications")["items"]) == 1


def test_pages_follow_each_other(service: Service) -> None:
    path = f"/models/{service.create_model()}/builds"
    created = [service.post(path, {})["job_id"] for _ in range(5)]
    seen: list[str] = []
    following = ""

    while following is not None:
        page = service.get(f"/jobs?limit=2&after={following}")
        seen += [job["job_id"] for job in page["items"]]
        following = page["next"]

    assert sorted(seen) == sorted(created)


def test_predictions_are_found_by_id_entity_and_model_day(service: Service) -> None:
    model_id = service.create_model()
    entry = PredictionLogEntry(
        service.workspace_id, "p1", model_id, 1, "c1", "treatment", None, NOW, NOW, {"id": "c1"}, {"orders__n": 2.0}, {"prediction": "1"}
    )
    service.ports.predictions.put_predictions([entry])

    assert service.get("/predictions/p1")["features"] == {"orders__n": 2.0}
    assert [found["prediction_id"] for found in service.get(f"/predictions?entity=c1&day={NOW:%Y-%m-%d}")["items"]] == ["p1"]
    assert [found["prediction_id"] for found in service.get(f"/predictions?model=again&day={NOW:%Y-%m-%d}")["items"]] == ["p1"]
    assert service.refuse("GET", "/predictions?model=nobody&day=2026-01-01")[:2] == (404, "not_found")


def test_another_workspaces_things_do_not_exist(service: Service) -> None:
    experiment_id = service.create_experiment()
    dataset_id = service.get("/datasets")["items"][0]["dataset_id"]
    model_id = service.get("/models")["items"][0]["model_id"]
    job_id = service.post(f"/models/{model_id}/builds", {})["job_id"]
    key_id = service.post("/api-keys", {"name": "web"})["api_key_id"]
    service.enter("Another")

    for path in (f"/datasets/{dataset_id}", f"/models/{model_id}", f"/experiments/{experiment_id}", f"/jobs/{job_id}"):
        assert service.refuse("GET", path)[:2] == (404, "not_found")
    for path in (f"/models/{model_id}/builds", f"/experiments/{experiment_id}/analyses"):
        assert service.refuse("POST", path, {})[:2] == (404, "not_found")
    for path in (f"/experiments/{experiment_id}/start", f"/experiments/{experiment_id}/stop", f"/jobs/{job_id}/cancel"):
        assert service.refuse("POST", path)[:2] == (404, "not_found")
    assert service.refuse("DELETE", f"/api-keys/{key_id}")[:2] == (404, "not_found")
    for path in ("/datasets", "/models", "/experiments", "/jobs", "/api-keys", "/notifications", "/predictions?entity=c1"):
        assert service.get(path)["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/datasets", {"name": "orders"}, (400, "invalid_input", "$")),
        ("POST", "/datasets", {"name": "Orders", "entity": "c", "columns": []}, (400, "invalid_input", "$.name")),
        ("POST", "/datasets", {"name": "o", "entity": "c", "columns": [], "extra": 1}, (400, "invalid_input", "$")),
        (
            "POST",
            "/datasets",
            {"name": "o", "entity": "c", "columns": [{"name": "x", "type": "date"}]},
            (400, "invalid_input", "$.columns[0].type"),
        ),
        (
            "POST",
            "/datasets",
            {"name": "o", "entity": "c", "columns": [{"name": "entity_id", "type": "string"}]},
            (400, "invalid_input", "$.columns[0].name"),
        ),
        ("POST", "/models", {"name": "m", "default": "2", "spec": SPEC}, (400, "invalid_input", "$.default")),
        (
            "POST",
            "/models",
            {"name": "m", "default": "0", "spec": SPEC | {"window": 3}},
            (400, "invalid_input", "$.spec.window"),
        ),
        (
            "POST",
            "/models",
            {"name": "m", "default": "0", "spec": SPEC | {"label": {"dataset": "nowhere", "window_days": 3}}},
            (400, "invalid_input", "$.spec.label.dataset"),
        ),
        (
            "POST",
            "/experiments",
            {"name": "t", "model": "nobody", "primary": PRIMARY, "planned_units": 2000},
            (400, "invalid_input", "$.model"),
        ),
        ("GET", "/jobs?limit=0", None, (400, "invalid_input", "?limit")),
        ("GET", "/jobs?limit=x", None, (400, "invalid_input", "?limit")),
        ("GET", "/predictions", None, (400, "invalid_input", "?entity")),
        ("GET", "/predictions?model=again&day=yesterday", None, (400, "invalid_input", "?day")),
    ],
)
def test_bad_input_is_refused_with_its_place(
    service: Service, method: str, path: str, body: object, expected: tuple[int, str, str]
) -> None:
    service.create_model()

    assert service.refuse(method, path, body) == expected
    assert len(service.get("/datasets")["items"]) == len(service.get("/models")["items"]) == 1


@pytest.mark.parametrize("field_name", ["cutoff", "as_of"])
@pytest.mark.parametrize("value", ["2999-01-01T00:00:00Z", "1998-01-01T00:00:00", "soon", 3])
def test_times_need_an_offset_and_are_not_in_the_future(service: Service, field_name: str, value: object) -> None:
    experiment_id = service.create_experiment()
    model_id = service.get("/models")["items"][0]["model_id"]
    path = f"/models/{model_id}/builds" if field_name == "cutoff" else f"/experiments/{experiment_id}/analyses"

    assert service.refuse("POST", path, {field_name: value}) == (400, "invalid_input", f"$.{field_name}")
    assert service.get("/jobs")["items"] == []


def test_bodies_that_are_no_json_objects_are_refused(service: Service) -> None:
    headers = {"authorization": f"Bearer {service.token}"}
    for data, media, status in (("{", "application/json", 400), ("[]", "application/json", 400), ("{}", "text/plain", 415)):
        response = service.client.post("/api/v1/datasets", data=data, content_type=media, headers=headers)
        service.openapi.check(response)
        assert response.status_code == status
    assert service.client.get("/api/v1/models/m/aliases/canary", headers=headers).status_code == 404


def test_an_empty_operator_token_stops_the_start() -> None:
    with pytest.raises(ValueError, match="empty"):
        build_app(build_ports(), operator_token="", public_api_url="https://api.example")
