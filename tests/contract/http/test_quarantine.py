"""Files in quarantine are looked at, released and discarded as the OpenAPI document says."""

from dataclasses import dataclass, replace

import pytest

from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.upload_store import MemoryUploadStore
from presage.features.dataset import Column
from presage.features.keys import build_quarantined_key
from presage.features.quarantine import QuarantinedLoad
from presage.features.schema.evolution import add_columns
from presage.features.schema.model import ColumnChange, Offender
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import NOW

WIDENED = ColumnChange("spent", "widened", "number", "string", False, "1 of 2 values are no number", 2, 1, Offender(3, "n/a"))
ADDED = ColumnChange("colour", "added", None, "string", True, "the dataset gets it", 2)
ANSWER = {"columns": {"spent": {"type": "number"}}}


@dataclass
class Held:
    service: Service
    dataset_id: str
    load: QuarantinedLoad
    objects: dict[str, bytes]

    @property
    def path(self) -> str:
        return f"/datasets/{self.dataset_id}/quarantine/{self.load.load_id}"

    def end_job(self, job_id: str, state: str) -> None:
        store, workspace_id = self.service.ports.jobs.store, self.service.workspace_id
        job = store.claim_job(workspace_id, job_id, owner="w", now=NOW, lease_seconds=9)
        assert job is not None
        store.finish_job(job, state=state, message="", result={}, now=NOW)  # type: ignore[arg-type]


@pytest.fixture
def held(service: Service) -> Held:  # noqa: F811
    """An import that a worker has put into quarantine."""
    dataset_id = service.create_dataset()
    upload = service.post(f"/datasets/{dataset_id}/uploads", {"file_name": "orders.csv"})
    uploads = service.ports.uploads
    assert isinstance(uploads, MemoryUploadStore)
    uploads.objects[upload["key"]] = b"who,at,spent\n"
    body = {"key": upload["key"], "format": "csv", "entity_column": "who", "event_timestamp_column": "at"}
    job = service.post(f"/datasets/{dataset_id}/imports", body | {"columns": {"note": {"ignore": True}}})
    key = build_quarantined_key(service.workspace_id, dataset_id, job["job_id"], upload["key"])
    load = QuarantinedLoad(service.workspace_id, dataset_id, job["job_id"], key, job["arguments"], 1, 2, (WIDENED, ADDED), NOW)
    service.ports.quarantine.hold_load(load, source_key=upload["key"])
    return Held(service, dataset_id, load, uploads.objects)


def test_a_load_is_shown_with_its_comparison(held: Held) -> None:
    shown = held.service.get(held.path)

    assert shown["changes"][0] == {
        "column": "spent",
        "change": "widened",
        "was": "number",
        "now": "string",
        "compatible": False,
        "reason": "1 of 2 values are no number",
        "values": 2,
        "misfits": 1,
        "first": {"line": 3, "value": "n/a", "part": ""},
    }
    assert held.service.get(f"/datasets/{held.dataset_id}/quarantine") == {"items": [shown], "next": None}
    assert held.service.refuse("GET", f"/datasets/{held.dataset_id}/quarantine/job_0") == (404, "not_found", None)


def test_a_load_is_released_by_what_is_declared(held: Held) -> None:
    assert held.service.refuse("POST", f"{held.path}/release") == (400, "schema_unresolved", "$.columns")
    wrong = {"columns": {"spent": {"type": "string"}}}
    assert held.service.refuse("POST", f"{held.path}/release", wrong) == (400, "invalid_input", "$.columns.spent")

    job = held.service.post(f"{held.path}/release", ANSWER)

    assert (job["kind"], job["state"], job["arguments"]["key"]) == ("import_file", "queued", held.load.key)
    declared = {name: {key for key, value in each.items() if value} for name, each in job["arguments"]["columns"].items()}
    assert declared == {"note": {"ignore"}, "spent": {"type"}}
    (decision,) = held.service.get(held.path)["decisions"]
    assert (decision["verdict"], decision["job_id"]) == ("released", job["job_id"])


def test_a_load_of_a_warehouse_is_read_again_by_what_is_declared(held: Held) -> None:
    columns = {"credential": "shop", "kind": "mysql", "table": "shop.orders", "columns": {"spent": "total", "note": None}}
    names = dict.fromkeys(("cursor_column", "key_column", "entity_column"), "id") | {"event_timestamp_column": "at"}
    job = held.service.post(f"/datasets/{held.dataset_id}/warehouse-imports", columns | names)
    retyped = ColumnChange("spent", "retyped", "number", "other", False, "the warehouse declares 'total' as other")
    load = replace(held.load, load_id=job["job_id"], key="", arguments=job["arguments"], changes=(retyped,), rows=0)
    held.service.ports.quarantine.hold_load(load, source_key="")
    path = f"/datasets/{held.dataset_id}/quarantine/{load.load_id}/release"

    assert held.service.refuse("POST", path) == (400, "schema_unresolved", "$.columns")
    assert held.service.refuse("POST", path, ANSWER) == (400, "invalid_input", "$.columns.spent.type")
    released = held.service.post(path, {"columns": {"spent": {"into": "spent_text"}}})

    assert (released["kind"], released["state"]) == ("import_warehouse", "queued")
    expected = {"spent": None, "note": None, "spent_text": "total"}
    assert released["arguments"] == job["arguments"] | {"columns": expected}
    assert held.service.post(f"/datasets/{held.dataset_id}/quarantine/{held.load.load_id}/discard")["key"] == held.load.key


def test_a_load_that_is_being_imported_waits_and_one_that_landed_is_done(held: Held) -> None:
    job = held.service.post(f"{held.path}/release", ANSWER)
    for order in ("release", "discard"):
        assert held.service.refuse("POST", f"{held.path}/{order}", ANSWER)[:2] == (409, "conflict")

    held.end_job(job["job_id"], "failed")
    again = held.service.post(f"{held.path}/release", ANSWER)
    held.end_job(again["job_id"], "succeeded")

    assert held.service.refuse("POST", f"{held.path}/release", ANSWER)[:2] == (409, "conflict")
    assert len(held.service.post(f"{held.path}/discard")["decisions"]) == 3


def test_a_load_whose_import_is_retried_waits_for_the_retry(held: Held) -> None:
    job = held.service.post(f"{held.path}/release", ANSWER)
    held.end_job(job["job_id"], "failed")
    retry = held.service.post(f"/jobs/{job['job_id']}/retry")

    for order in ("release", "discard"):
        assert held.service.refuse("POST", f"{held.path}/{order}", ANSWER if order == "release" else None)[0] == 409
    held.end_job(retry["job_id"], "succeeded")

    assert held.service.refuse("POST", f"{held.path}/release", ANSWER)[:2] == (409, "conflict")
    assert "has landed" in held.service.call("POST", f"{held.path}/release", ANSWER).get_json()["detail"]


def test_a_release_without_its_job_can_be_made_again(held: Held) -> None:
    held.service.post(f"{held.path}/release", ANSWER)
    empty = MemoryJobStore()
    gone = replace(held.service.ports, jobs=replace(held.service.ports.jobs, store=empty, outbox=empty))
    lost = Service(held.service.openapi, gone, held.service.token, held.service.workspace_id)
    assert lost.post(f"{held.path}/release", ANSWER)["state"] == "queued"


def test_a_discarded_loads_file_is_gone(held: Held) -> None:
    first, second = (held.service.post(f"{held.path}/discard") for _ in range(2))

    assert [decision["verdict"] for decision in second["decisions"]] == ["discarded"]
    assert first["decisions"] == second["decisions"]
    assert held.load.key not in held.objects
    assert held.service.refuse("POST", f"{held.path}/release", ANSWER)[:2] == (409, "conflict")


def test_another_workspace_sees_no_load(held: Held) -> None:
    held.service.enter("Other")
    for method, path in (("GET", held.path), ("POST", f"{held.path}/discard"), ("POST", f"{held.path}/release")):
        assert held.service.refuse(method, path)[:2] == (404, "not_found")
    assert held.load.key in held.objects


@pytest.mark.parametrize(
    ("columns", "path"),
    [
        ({"spent": {"type": "string"}}, "$.columns.spent"),
        ({"spent": {}}, "$.columns.spent"),
        ({"spent": {"kind": "number"}}, "$.columns.spent.kind"),
        ({"spent": {"type": "integer"}}, "$.columns[...].type"),
    ],
)
def test_an_import_that_declares_what_cannot_be_is_refused(held: Held, columns: dict[str, object], path: str) -> None:
    body = {"key": held.load.arguments["key"], "format": "csv", "columns": columns}
    assert held.service.refuse("POST", f"/datasets/{held.dataset_id}/imports", body) == (400, "invalid_input", path)


def test_the_lineage_of_schemas_is_read(held: Held) -> None:
    datasets = held.service.ports.datasets
    dataset = datasets.get_dataset(held.service.workspace_id, held.dataset_id)
    add_columns(dataset, [Column("colour", "string")], cause="job_1", now=NOW, datasets=datasets)

    items = held.service.get(f"/datasets/{held.dataset_id}/schemas")["items"]

    assert [(item["schema_version"], [column["name"] for column in item["columns_added"]], item["cause"]) for item in items] == [
        (1, ["spent"], "declared"),
        (2, ["colour"], "job_1"),
    ]
    assert held.service.get(f"/datasets/{held.dataset_id}")["schema_version"] == 2


def test_a_dataset_may_be_created_without_columns(service: Service) -> None:  # noqa: F811
    assert service.post("/datasets", {"name": "bare", "entity": "customer"})["columns"] == []
