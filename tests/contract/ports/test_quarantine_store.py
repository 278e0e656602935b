"""`QuarantineStore`: one suite over memory and S3."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.quarantine_store import MemoryQuarantineStore
from presage.adapters.s3.quarantine_store import S3QuarantineStore
from presage.errors import ConflictError, NotFoundError
from presage.features.keys import build_quarantined_key
from presage.features.quarantine import Decision, QuarantinedLoad, QuarantineStore
from presage.features.schema.model import ColumnChange, Offender

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = "ws=ws_1/imports/up_1/orders 1.csv"
CHANGE = ColumnChange("spent", "widened", "number", "string", False, "1 of 2 values are no number", 2, 1, Offender(3, "n/a", "a.csv"))
RELEASED = Decision("released", "usr_1", NOW, "job_9")


@dataclass
class Place:
    store: QuarantineStore
    find_object: Callable[[str], bytes | None]


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        objects = {SOURCE: b"a,b\n"}
        yield Place(MemoryQuarantineStore(objects), objects.get)
        return
    request.getfixturevalue("emulator")
    client, bucket = build_client("s3"), f"lake-{secrets.token_hex(6)}"
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=SOURCE, Body=b"a,b\n")

    def find_object(key: str) -> bytes | None:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        return client.get_object(Bucket=bucket, Key=key)["Body"].read() if listed else None

    yield Place(S3QuarantineStore(bucket, client), find_object)
    for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=entry["Key"])
    client.delete_bucket(Bucket=bucket)


def make_load(load_id: str = "job_1", dataset_id: str = "ds_1") -> QuarantinedLoad:
    key = build_quarantined_key("ws_1", dataset_id, load_id, SOURCE)
    return QuarantinedLoad("ws_1", dataset_id, load_id, key, {"key": SOURCE, "columns": {}}, 2, 2, (CHANGE,), NOW)


def test_a_load_is_kept_with_its_file(place: Place) -> None:
    load = make_load()

    place.store.hold_load(load, source_key=SOURCE)
    place.store.hold_load(replace(load, rows=9), source_key=SOURCE)

    assert place.store.find_load("ws_1", "ds_1", "job_1") == load
    assert load.key == "ws=ws_1/quarantine/dataset=ds_1/job_1/file/orders 1.csv"
    assert (place.find_object(load.key), place.find_object(SOURCE)) == (b"a,b\n", b"a,b\n")


def test_a_file_that_is_gone_is_not_kept(place: Place) -> None:
    with pytest.raises(NotFoundError):
        place.store.hold_load(make_load(), source_key="ws=ws_1/imports/up_1/other.csv")
    assert place.store.find_load("ws_1", "ds_1", "job_1") is None


def test_pages_of_a_dataset_follow_each_other(place: Place) -> None:
    loads = [make_load(f"job_{number}") for number in range(3)]
    for load in [*loads, make_load("job_1", "ds_2")]:
        place.store.hold_load(load, source_key=SOURCE)

    assert place.store.list_loads("ws_1", "ds_1", limit=2) == loads[:2]
    assert place.store.list_loads("ws_1", "ds_1", after="job_1") == loads[2:]
    assert place.store.list_loads("ws_1", "ds_1", after="job_2") == []
    assert place.store.list_loads("ws_2", "ds_1") == []


def test_decisions_are_kept_in_order_and_one_of_two_at_once_wins(place: Place) -> None:
    load = make_load()
    place.store.hold_load(load, source_key=SOURCE)

    place.store.add_decision(load, RELEASED)
    with pytest.raises(ConflictError):
        place.store.add_decision(load, Decision("discarded", "usr_2", NOW))
    place.store.add_decision(replace(load, decisions=(RELEASED,)), Decision("discarded", "usr_2", NOW))

    found = place.store.find_load("ws_1", "ds_1", "job_1")
    assert found is not None
    assert [decision.verdict for decision in found.decisions] == ["released", "discarded"]
    assert found.decisions[0] == RELEASED


def test_a_deleted_file_is_gone_and_what_was_found_stays(place: Place) -> None:
    load = make_load()
    place.store.hold_load(load, source_key=SOURCE)

    for _ in range(2):
        place.store.delete_file(load)

    assert place.find_object(load.key) is None
    assert place.store.find_load("ws_1", "ds_1", "job_1") == load


def test_a_load_without_a_file_is_kept_and_discarded(place: Place) -> None:
    load = replace(make_load("job_0"), key="", arguments={"credential": "shop"})

    place.store.hold_load(load, source_key="")
    place.store.delete_file(load)

    assert place.store.find_load("ws_1", "ds_1", "job_0") == load
    assert place.find_object(SOURCE) == b"a,b\n"
