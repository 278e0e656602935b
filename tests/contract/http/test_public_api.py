"""The public API answers as its OpenAPI document says, good input and bad."""

import gzip
import json
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from werkzeug.test import Client, TestResponse

from presage.adapters.memory.idempotency_store import MemoryIdempotencyStore
from presage.adapters.memory.record_queue import MemoryRecordQueue
from presage.experiments.model import ControlPolicy
from presage.predictions.warming import Warming, WarmingPorts
from presage.tenancy.model import Caller
from presage.tenancy.rate_limit import RateLimit
from presage.training.spec import ModelSpec
from services.public_api.app import build_app
from services.public_api.front import Front
from services.public_api.routes.openapi import DOCUMENT
from tests.fixtures.openapi import OpenApi
from tests.fixtures.public_api import AMPLE, build_ports
from tests.fixtures.rsgi import Worker
from tests.fixtures.serving import AS_OF, CLASSIFICATION, KEY_ID, NOW, RANKING, STALE_AFTER, World, build_world

KEY = {"x-presage-api-key-id": KEY_ID}
RECORD = {"record_id": "r1", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 1.5, "shop": "a"}}
FUTURE = RECORD | {"record_id": "r2", "event_timestamp": "2999-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def openapi() -> OpenApi:
    return OpenApi.read(DOCUMENT)


OPTIONS: tuple[dict[str, Any], ...] = (
    {"candidates": ["f1", "f2", "new"]},
    {"exclude": ["f1"]},
    {"filters": {"films__taken": {"min": 10}, "films__mean": [3, None]}},
    {"exploration": {"epsilon": 0.5}},
    {"exclude": ["f1"], "filters": {"films__taken": 20}, "exploration": {"epsilon": 1, "among": 2}},
)


def serve_rung(world: World, rung: str, spec: ModelSpec) -> None:
    """Let the model `rung` be answered from that rung of the ladder; `unreachable`: by the default, as S3 does not answer."""
    model = world.add_model("rung", spec, ("f9", "f1") if spec.kind == "ranking" else "0")
    if rung == "default":
        return
    weights = (0.5, 0.01, -0.1) + (0.1, 0) * (spec.kind == "ranking")
    first = world.add_version(model, 1, weights=weights)
    world.deploy(model, first)
    if rung == "previous_version":
        newer = world.add_version(model, 2, weights=weights)
        del world.files.artifacts[newer.artifact_key]
        world.deploy(model, newer, previous=first)
    if rung == "baseline":
        world.files.lake.clear()
    if rung == "unreachable":
        world.files.down = True
    if rung == "random":
        world.experiment(model, policy="random", treatment_share=0.0)


class Service:
    """The application on memory adapters; every answer is held against the document."""

    def __init__(self, world: World, openapi: OpenApi, *, front: bool) -> None:
        self.world = world
        self.records = MemoryRecordQueue()
        self.limits = dict(AMPLE)
        self.answers = MemoryIdempotencyStore()
        self.now = NOW
        self.ports = build_ports(world, records=self.records, limits=self.limits, answers=self.answers, now=lambda: self.now)
        self.warming = Warming(WarmingPorts(world.catalog, world.ports.catalog, world.ports.scorers))
        self.app = app = build_app(self.ports, check_ready=self.warming.check)
        self.worker = Worker(Front(app, self.ports)) if front else None
        self.client = Client(self.worker or app)
        self._openapi = openapi

    def call(self, method: str, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's own
        response = self.client.open(path, method=method, **({"headers": KEY} | options))
        self._openapi.check(response)
        assert "x-request-id" in response.headers
        return response

    def predict(self, *entries: Any, model: str = "m", **options: Any) -> TestResponse:  # noqa: ANN401 - the wire's own
        return self.call("POST", "/v1/predict", json={"model": model, "features": list(entries), **options})

    def send(self, body: bytes, content_type: str = "application/json", *, dataset: str = "orders", **headers: str) -> TestResponse:
        headers = KEY | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", f"/v1/datasets/{dataset}/records", data=body, content_type=content_type, headers=headers)


@pytest.fixture(params=[True, False], ids=["front", "flask"])
def service(tmp_path: Path, openapi: OpenApi, request: pytest.FixtureRequest) -> Iterator[Service]:
    """With and without the short way of predictions: both answer the same."""
    world = build_world(tmp_path)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    service = Service(world, openapi, front=request.param)
    yield service
    if service.worker is not None:
        service.worker.stop()


@pytest.mark.parametrize(("policy", "answered"), [("previous_version", ("previous_version", 1)), ("popularity", ("baseline", 2))])
def test_a_control_says_which_policy_and_weights_it_got(service: Service, policy: ControlPolicy, answered: tuple[str, int]) -> None:
    model = service.world.add_model("films", RANKING, ("f9",))
    first, second = (service.world.add_version(model, number, weights=(0.0, 0.0, 0.0, 0.1, 0.0)) for number in (1, 2))
    service.world.deploy(model, second, previous=first)
    service.world.experiment(model, policy=policy, control=first, weights=((0.9,), (1e-12,)))
    (result,) = service.predict({"id": "c1"}, model="films").get_json()["results"]
    assert (result["answered_by"], result["model_version"]) == answered
    assert (result["variant"], result["allocation_version"]) == ("control", 3)


def test_the_document_is_valid_and_where_the_docs_say(openapi: OpenApi) -> None:
    validate(openapi.document)
    linked = Path(__file__).parents[3] / "docs" / "openapi" / "public.json"
    assert linked.read_bytes() == DOCUMENT.read_bytes()


def test_the_documents_examples_fit_their_schemas(openapi: OpenApi) -> None:
    for path, item in openapi.document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                for media, content in response.get("content", {}).items():
                    for example in content.get("examples", {}).values():
                        place = ["paths", path, method, "responses", status, "content", media, "schema"]
                        openapi.check_value(example["value"], place)


def test_routes_and_document_name_the_same_operations(service: Service, openapi: OpenApi) -> None:
    rules = [rule for rule in service.app.url_map.iter_rules() if rule.rule.startswith("/v1")]
    routes = {
        (method, rule.rule.replace("<uuid:", "{").replace("<", "{").replace(">", "}"))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == openapi.operations()


def test_the_document_is_served(service: Service) -> None:
    assert service.call("GET", "/v1/openapi.json", headers={}).get_json()["openapi"] == "3.1.0"


def test_predictions_of_every_kind_keep_the_contract(service: Service) -> None:
    ranking = service.world.add_model("r", RANKING, ("f9",))
    service.world.deploy(ranking, service.world.add_version(ranking, 1, weights=(0, 0, 0, 0.1, 0)))
    service.world.add_model("bare", CLASSIFICATION, "0")
    service.world.experiment(ranking, policy="random")
    known, bad, raw = service.predict({"id": "c1"}, {"id": 3}, {"orders__n": 1}, include_features=True).get_json()["results"]
    assert (known["prediction"], known["features"]["orders__n"]) == ("1", 3.0)
    assert bad["error"]["path"] == "$.features[1].id"
    assert raw["variant"] == "none"
    ranked = service.predict(*({"id": f"u{number}"} for number in range(20)), model="r", include_features=True).get_json()["results"]
    assert {result["variant"] for result in ranked} == {"control", "treatment"}
    (fallback,) = service.predict({"id": "c1"}, model="bare").get_json()["results"]
    assert fallback["fallback_reason"] == "no_version"
    assert service.predict({"id": "c1"}, version=1).get_json()["results"][0]["model_version"] == 1


@pytest.mark.parametrize("answered_by", ["model", "default"])
@pytest.mark.parametrize("ranking", [False, True])
def test_explanations_keep_the_contract(service: Service, answered_by: str, *, ranking: bool) -> None:
    model = service.world.add_model("x", RANKING if ranking else CLASSIFICATION, ("f9",) if ranking else "0")
    if answered_by == "model":
        service.world.deploy(model, service.world.add_version(model, 1, weights=(0.5, 0.01, -0.1) + (0.1, 0) * ranking))
    (result,) = service.predict({"id": "c1"}, model="x", explain=True).get_json()["results"]
    assert result["answered_by"] == answered_by
    if answered_by == "default":
        assert (result["explanation_unavailable"], "explanation" in result) == ("not_by_model", False)
        return
    parts = list(result["explanation"]["items"].values()) if ranking else [result["explanation"]]
    totals = [part["base"] + sum(part["contributions"].values()) for part in parts]
    margins = [part["margin"]["base"] + sum(part["margin"]["contributions"].values()) for part in parts]
    scores = result["score"] if ranking else [result["score"]]
    assert totals == pytest.approx(scores, abs=1e-6)
    assert margins == pytest.approx([math.log(score / (1 - score)) for score in scores], abs=1e-6)


@pytest.mark.parametrize("answered_by", ["model", "previous_version", "baseline", "default", "random"])
def test_narrowed_and_explored_rankings_keep_the_contract(service: Service, answered_by: str) -> None:
    serve_rung(service.world, answered_by, RANKING)
    results = service.predict(*({"id": "c1", **option} for option in OPTIONS), model="rung").get_json()["results"]
    assert {result["answered_by"] for result in results} == {answered_by}
    assert all(len(result["propensity"]) == len(result["prediction"]) for result in results if "propensity" in result)
    assert sum("propensity" in result for result in results) == (len(OPTIONS) if answered_by == "random" else 2)
    assert all("f1" not in result["prediction"] for result, option in zip(results, OPTIONS, strict=True) if "exclude" in option)
    unchecked = [result for result in results if "filters_unchecked" in result]
    assert len(unchecked) == (0 if answered_by in {"model", "previous_version", "random"} else 2)
    assert all(result["prediction"] == [] for result in unchecked)


def test_bad_options_of_a_ranking_fail_their_entry_alone(service: Service) -> None:
    serve_rung(service.world, "model", RANKING)
    bad = [{"exclude": "f1"}, {"filters": {"orders__n": 1}}, {"filters": {"films__taken": {"min": "a"}}}, {"exploration": {"epsilon": 2}}]
    *failures, good = service.predict(*bad, {"id": "c1"}, model="rung").get_json()["results"]
    assert [(failure["error"]["code"], failure["error"]["path"]) for failure in failures] == [
        ("wrong_type", "$.features[0].exclude"),
        ("unknown_feature", "$.features[1].filters.orders__n"),
        ("malformed_filter", "$.features[2].filters.films__taken.min"),
        ("malformed_exploration", "$.features[3].exploration.epsilon"),
    ]
    assert good["answered_by"] == "model"
    codes = [
        service.predict({name: value}).get_json()["results"][0]["error"]["code"] for option in OPTIONS for name, value in option.items()
    ]
    assert set(codes) == {f"unexpected_{name}" for name in ("candidates", "exclude", "filters", "exploration")}


@pytest.mark.parametrize(
    ("answered_by", "reason"),
    [
        ("model", None),
        ("previous_version", "corrupt_artifact"),
        ("baseline", "corrupt_artifact"),
        ("default", "no_version"),
        ("unreachable", "version_unavailable"),
        ("random", None),
    ],
)
@pytest.mark.parametrize("spec", [CLASSIFICATION, RANKING], ids=["classification", "ranking"])
def test_every_rung_says_who_answered_and_why(service: Service, answered_by: str, reason: str | None, spec: ModelSpec) -> None:
    serve_rung(service.world, answered_by, spec)
    (result,) = service.predict({"id": "c1"}, model="rung").get_json()["results"]
    assert result["answered_by"] == ("default" if answered_by == "unreachable" else answered_by)
    assert result.get("fallback_reason") == reason
    service.world.ship()
    logged = service.call("GET", f"/v1/predictions/{result['prediction_id']}").get_json()["result"]
    assert (logged["answered_by"], logged.get("fallback_reason")) == (result["answered_by"], reason)


def test_stale_feature_values_are_used_and_flagged(service: Service) -> None:
    old = STALE_AFTER.total_seconds()
    service.now = AS_OF + STALE_AFTER
    (fresh,) = service.predict({"id": "c1"}).get_json()["results"]
    assert (fresh["snapshot_age_seconds"], "snapshot_stale" in fresh) == (old, False)
    service.now += timedelta(seconds=1)
    stale, back_then = service.predict({"id": "c1"}, {"id": "c1", "timestamp": "1998-01-01T00:00:00Z"}).get_json()["results"]
    assert (stale["answered_by"], stale["snapshot_age_seconds"], stale["snapshot_stale"]) == ("model", old + 1, True)
    assert back_then["snapshot_age_seconds"] < 0
    assert "snapshot_stale" not in back_then
    service.world.ship()
    assert service.call("GET", f"/v1/predictions/{stale['prediction_id']}").get_json()["result"]["snapshot_stale"] is True


def test_too_many_explanations_are_a_problem(service: Service) -> None:
    service.world.add_model("r", RANKING, ("f9",))
    answer = service.predict(*[{"id": "c1"}] * 34, model="r", explain=True)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["path"]) == (400, "too_many_explanations", "$.explain")
    assert service.world.journal.calls == []


def test_an_integer_is_an_integer_however_json_writes_it(service: Service) -> None:
    (result,) = service.predict({"id": "c1"}, version=1.0).get_json()["results"]
    assert result["model_version"] == 1
    service.world.ship()
    assert service.call("GET", f"/v1/predictions/{result['prediction_id']}").get_json()["request"]["version"] == 1


def test_a_prediction_is_read_back(service: Service) -> None:
    (result,) = service.predict({"id": "c1"}).get_json()["results"]
    path = f"/v1/predictions/{result['prediction_id']}"
    assert service.call("GET", path).status_code == 404
    service.world.ship()
    found = service.call("GET", path).get_json()
    assert found["result"] == result
    assert found["request"]["features"] == [{"id": "c1"}]
    assert found["features"]["orders__spent"] == 30.0


@pytest.mark.parametrize("prediction_id", ["5f0c1c4e-5b7e-4c84-9d33-7d2cf0d4d2a1", "no-uuid", "x" * 3000])
def test_an_unknown_prediction_is_not_found(service: Service, prediction_id: str) -> None:
    answer = service.call("GET", f"/v1/predictions/{prediction_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("options", "status", "code", "path"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400, "invalid_input", "$"),
        ({"data": b'{"model": "m", "features": [1e999]}', "content_type": "application/json"}, 400, "invalid_input", "$.features[0]"),
        ({"json": {"model": "m", "features": [{"id": "c"}], "version": 1.5}}, 400, "invalid_input", "$.version"),
        ({"json": {"model": "m", "features": [{"id": "c"}], "version": 2**31}}, 400, "invalid_input", "$.version"),
        ({"json": {"model": 3, "features": [{}]}}, 400, "invalid_input", "$.model"),
        ({"json": {"model": "m", "features": []}}, 400, "invalid_input", "$.features"),
        ({"json": {"model": "m", "features": [{}], "workspace_id": "ws_2"}}, 400, "invalid_input", "$"),
        ({"json": {"model": "other", "features": [{"id": "c"}]}}, 404, "not_found", None),
        ({"json": {"model": "m", "features": [{"id": "c"}], "version": 7}}, 404, "not_found", None),
        ({"data": b"{}", "content_type": "text/plain"}, 415, "unsupported_media_type", None),
        ({"json": {}, "headers": KEY | {"content-encoding": "gzip"}}, 415, "unsupported_encoding", None),
        ({"data": b" " * 1_200_001, "content_type": "application/json"}, 413, "body_too_large", None),
    ],
)
def test_a_bad_predict_call_is_a_problem(service: Service, options: dict[str, Any], status: int, code: str, path: str | None) -> None:
    answer = service.call("POST", "/v1/predict", **options)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json().get("path")) == (status, code, path)
    assert service.world.journal.calls == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/predict"), ("POST", "/v1/datasets/orders/records"), ("GET", "/v1/predictions/5f0c1c4e-5b7e-4c84-9d33-7d2cf0d4d2a1")],
)
def test_the_workspace_comes_from_the_gateways_header_only(service: Service, method: str, path: str) -> None:
    body = {"model": "m", "features": [{"id": "c1"}]}
    missing = service.call(method, path, headers={"x-api-key": KEY_ID, "authorization": KEY_ID}, json=body)
    foreign = service.call(method, path, headers={"x-presage-api-key-id": "stranger"}, json=body)
    assert (missing.status_code, foreign.status_code) == (401, 403)
    assert service.world.journal.calls == []


def test_another_workspaces_things_do_not_exist(service: Service) -> None:
    (result,) = service.predict({"id": "c1"}).get_json()["results"]
    service.world.ship()
    assert service.call("GET", f"/v1/predictions/{result['prediction_id']}").status_code == 200
    service.world.catalog.callers["stranger"] = Caller("stranger", "ws_2", "free")
    headers = {"x-presage-api-key-id": "stranger"}
    body = {"model": "m", "features": [{"id": "c1"}]}
    assert service.call("POST", "/v1/predict", headers=headers, json=body).status_code == 404
    assert service.call("GET", f"/v1/predictions/{result['prediction_id']}", headers=headers).status_code == 404
    answer = service.call("POST", "/v1/datasets/orders/records", headers=headers, json={"records": [RECORD]})
    assert answer.status_code == 404
    assert service.records.batches == []


def test_without_the_database_a_new_key_is_told_to_come_back(service: Service) -> None:
    service.world.catalog.down = True
    answer = service.predict({"id": "c1"})
    assert (answer.status_code, answer.get_json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "2")


def test_records_are_published_before_the_answer(service: Service) -> None:
    answer = service.send(json.dumps({"records": [RECORD, RECORD, FUTURE]}).encode())
    assert (answer.status_code, answer.get_json()["accepted"]) == (202, 1)
    assert [result["status"] for result in answer.get_json()["results"]] == ["accepted", "duplicate", "invalid"]
    (batch,) = service.records.batches
    assert [(record.record_id, record.values["spent"]) for record in batch.records] == [("r1", 1.5)]


def test_a_call_sent_again_is_answered_with_duplicates_and_published_once(service: Service) -> None:
    body = json.dumps({"records": [RECORD, FUTURE]}).encode()
    service.send(body)
    answer = service.send(body)
    assert (answer.status_code, answer.get_json()["accepted"], answer.get_json()["duplicate"]) == (202, 0, 1)
    assert len(service.records.batches) == 1


def test_ndjson_and_gzip_are_taken(service: Service) -> None:
    lines = "\n".join(json.dumps(RECORD | {"record_id": f"r{number}"}) for number in range(5)).encode()
    answer = service.send(gzip.compress(lines), "application/x-ndjson", content_encoding="gzip")
    assert (answer.status_code, answer.get_json()["accepted"]) == (202, 5)
    assert len(service.records.batches[0].records) == 5


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "code"),
    [
        (b"{", "application/json", {}, 400, "malformed_json"),
        (b"\xff\xfe", "application/json", {}, 400, "malformed_json"),
        (b'{"records": 1}', "application/json", {}, 400, "invalid_envelope"),
        (b'{"records": []}', "application/json", {}, 400, "no_records"),
        (b"", "application/x-ndjson", {}, 400, "no_records"),
        (b"x", "text/csv", {}, 415, "unsupported_media_type"),
        (b"x", "application/json", {"content_encoding": "br"}, 415, "unsupported_encoding"),
        (b"no gzip", "application/json", {"content_encoding": "gzip"}, 400, "malformed_gzip"),
        (gzip.compress(b" " * 2**24, mtime=0), "application/json", {"content_encoding": "gzip"}, 413, "body_too_large"),
        (b" " * 1_200_001, "application/json", {}, 413, "body_too_large"),
        (json.dumps({"records": [FUTURE, {"entity_id": 1}]}).encode(), "application/json", {}, 422, "no_valid_record"),
    ],
)
def test_a_bad_records_call_is_a_problem_and_publishes_nothing(
    service: Service, body: bytes, content_type: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = service.send(body, content_type, **headers)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert service.records.messages == []


def test_an_unknown_dataset_is_not_found(service: Service) -> None:
    assert service.send(json.dumps({"records": [RECORD]}).encode(), dataset="nowhere").status_code == 404


def test_records_that_the_queue_does_not_take_are_not_accepted(service: Service) -> None:
    service.records.available = False
    answer = service.send(json.dumps({"records": [RECORD]}).encode())
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")


def test_health_and_readiness(service: Service) -> None:
    client = service.client
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
    service.warming.start(lambda work: work())
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
    service.world.catalog.down = True
    assert client.get("/readyz").status_code == 200


def test_a_key_over_its_limit_is_told_when_to_come_back_wherever_it_asks(service: Service) -> None:
    service.limits["standard"] = RateLimit(0.5, 2)
    uuid = "5f0c1c4e-5b7e-4c84-9d33-7d2cf0d4d2a1"
    answers = [service.predict({"id": "c1"}), service.predict({"id": "c1"}, model="other"), service.predict({"id": "c1"})]
    answers += [service.send(b"{}"), service.call("GET", f"/v1/predictions/{uuid}")]
    assert [answer.status_code for answer in answers] == [200, 404, 429, 429, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0", "0", "0"]
    for answer in answers[2:]:
        assert (answer.get_json()["code"], answer.headers["ratelimit-limit"], answer.headers["retry-after"]) == ("rate_limited", "2", "2")
    assert service.call("GET", "/v1/openapi.json").status_code == 200


def test_a_full_journal_is_a_problem_of_its_own_that_says_when_to_come_back(service: Service) -> None:
    service.world.journal.room = False
    answer = service.predict({"id": "c1"})
    assert (answer.status_code, answer.get_json()["code"], answer.headers["retry-after"]) == (503, "journal_full", "2")
    service.world.journal.room = True
    assert service.predict({"id": "c1"}).status_code == 200
