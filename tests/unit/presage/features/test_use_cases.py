"""Datasets are created, records accepted."""

from datetime import datetime, timedelta

import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.record_queue import MemoryRecordQueue
from presage.errors import AlreadyExistsError, InvalidInputError, NotFoundError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.recent_ids import RecentIds
from presage.features.use_cases import accept_records, create_dataset
from presage.features.validation import RecordResult
from presage.features.wire import CallBody
from tests.fixtures.feature_records import NOW, make_dataset, make_wire
from tests.fixtures.metadata_rows import make_user

DATASET = make_dataset()


def create(name: str = "purchases", *columns: Column, store: MemoryDatasetStore | None = None) -> Dataset:
    return create_dataset(
        by=make_user("ws_1"), name=name, entity="customer", columns=columns, now=NOW, datasets=store or MemoryDatasetStore()
    )


def test_a_created_dataset_is_in_the_store() -> None:
    store = MemoryDatasetStore()
    dataset = create("purchases", Column("amount", "number"), store=store)
    assert store.get_dataset("ws_1", dataset.dataset_id) == dataset
    assert store.find_dataset_by_name("ws_1", "purchases") == dataset
    with pytest.raises(NotFoundError):
        store.get_dataset("ws_2", dataset.dataset_id)


def test_a_second_dataset_of_the_name_is_refused() -> None:
    store = MemoryDatasetStore()
    create("purchases", store=store)
    with pytest.raises(AlreadyExistsError):
        create("purchases", store=store)


@pytest.mark.parametrize(
    ("name", "columns", "path"),
    [
        ("Purchases", [], "$.name"),
        ("", [], "$.name"),
        ("p" * 64, [], "$.name"),
        ("p", [Column("a b", "number")], "$.columns[0].name"),
        ("p", [Column("ok", "number"), Column("1a", "number")], "$.columns[1].name"),
        ("p", [Column("Entity_Id", "string")], "$.columns[0].name"),
        ("p", [Column("a", "number"), Column("A", "string")], "$.columns[0].name"),
        ("p", [Column(f"c{number}", "number") for number in range(201)], "$.columns"),
    ],
)
def test_a_malformed_dataset_is_refused_with_its_place(name: str, columns: list[Column], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create(name, *columns)
    assert caught.value.path == path


def accept(*raw_records: bytes, queue: MemoryRecordQueue, recent: RecentIds | None = None, now: datetime = NOW) -> list[RecordResult]:
    return accept_records(
        dataset=DATASET, body=CallBody(b"\n".join(raw_records), in_lines=True), now=now, queue=queue, recent=recent or RecentIds()
    )


def test_accepted_records_are_on_the_queue_and_the_others_are_not() -> None:
    queue = MemoryRecordQueue()
    results = accept(make_wire(record_id="a"), b"{", make_wire(record_id="a"), queue=queue)
    assert [result.status for result in results] == ["accepted", "invalid", "duplicate"]
    (batch,) = queue.batches
    assert [record.record_id for record in batch.records] == ["a"]
    assert (batch.dataset, batch.received_at) == (DATASET, NOW)


def test_a_call_without_a_valid_record_publishes_nothing() -> None:
    queue = MemoryRecordQueue()
    accept(b"{", queue=queue)
    assert queue.messages == []


def test_nothing_is_accepted_or_remembered_when_the_queue_is_down() -> None:
    queue, recent = MemoryRecordQueue(), RecentIds()
    queue.available = False
    with pytest.raises(UnavailableError):
        accept(make_wire(), queue=queue, recent=recent)
    queue.available = True
    assert [result.status for result in accept(make_wire(), queue=queue, recent=recent)] == ["accepted"]


def test_more_records_than_the_limit_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        accept(*[make_wire()] * 501, queue=MemoryRecordQueue())


def test_a_record_that_the_process_accepted_lately_is_a_duplicate_and_not_published_again() -> None:
    queue, recent = MemoryRecordQueue(), RecentIds()
    accept(make_wire(record_id="a"), queue=queue, recent=recent)
    results = accept(make_wire(record_id="a", entity_id="c9"), make_wire(record_id="b"), queue=queue, recent=recent)
    assert [(result.status, result.record_id) for result in results] == [("duplicate", "a"), ("accepted", "b")]
    assert [[record.record_id for record in batch.records] for batch in queue.batches] == [["a"], ["b"]]
    accept(make_wire(record_id="a"), make_wire(record_id="b"), queue=queue, recent=recent)
    assert len(queue.batches) == 2


def test_an_id_of_another_dataset_is_no_duplicate() -> None:
    queue, recent = MemoryRecordQueue(), RecentIds()
    accept(make_wire(record_id="a"), queue=queue, recent=recent)
    other = accept_records(
        dataset=make_dataset("ds_2"), body=CallBody(make_wire(record_id="a"), in_lines=True), now=NOW, queue=queue, recent=recent
    )
    assert other[0].status == "accepted"


def test_a_retried_call_is_the_same_batch() -> None:
    queue = MemoryRecordQueue()
    for seconds in (0, 60):
        accept(make_wire(), queue=queue, now=NOW + timedelta(seconds=seconds))
    first, second = queue.batches
    assert first.batch_id == second.batch_id
