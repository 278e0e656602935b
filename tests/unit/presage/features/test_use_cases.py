"""Datasets are created, records accepted, batches landed."""

import threading
from datetime import timedelta

import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.record_queue import MemoryRecordQueue
from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, RecordBatch
from presage.features.use_cases import LANDING_ATTEMPTS, Landing, accept_records, create_dataset, land_batches
from tests.fixtures.feature_records import NOW, make_batch, make_dataset, make_wire

DATASET = make_dataset()


class BusyStore(MemoryFeatureSetStore):
    """Another writer takes the next `rivals` version numbers just before us."""

    def __init__(self, rivals: int) -> None:
        super().__init__()
        self.rivals = rivals

    def create_version(self, version: FeatureSetVersion) -> None:
        if self.rivals:
            self.rivals -= 1
            rival = self.put_part(DATASET, f"rival{self.rivals}", "2020-01", make_batch(DATASET, 900 + self.rivals).records)
            head = self.find_version(DATASET.workspace_id, DATASET.dataset_id)
            super().create_version(FeatureSetVersion(DATASET, version.version, (*(head.parts if head else ()), rival), NOW))
        super().create_version(version)


def land(store: MemoryFeatureSetStore, *batches: RecordBatch) -> list[Landing]:
    return land_batches(batches=batches, store=store, now=NOW, pause=lambda _: None)


def read_ids(store: MemoryFeatureSetStore, dataset: Dataset = DATASET) -> list[str]:
    version = store.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    return sorted(store.read_frame(version)["record_id"].to_list())


def create(name: str = "purchases", *columns: Column, store: MemoryDatasetStore | None = None) -> Dataset:
    return create_dataset(
        workspace_id="ws_1", name=name, entity="customer", columns=columns, now=NOW, datasets=store or MemoryDatasetStore()
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


def test_accepted_records_are_on_the_queue_and_the_others_are_not() -> None:
    queue = MemoryRecordQueue()
    results = accept_records(dataset=DATASET, raw_records=[make_wire(record_id="a"), b"{", make_wire(record_id="a")], now=NOW, queue=queue)
    assert [result.status for result in results] == ["accepted", "invalid", "duplicate"]
    (batch,) = queue.batches
    assert [record.record_id for record in batch.records] == ["a"]
    assert (batch.dataset, batch.received_at) == (DATASET, NOW)


def test_a_call_without_a_valid_record_publishes_nothing() -> None:
    queue = MemoryRecordQueue()
    accept_records(dataset=DATASET, raw_records=[b"{"], now=NOW, queue=queue)
    assert queue.messages == []


def test_nothing_is_accepted_when_the_queue_is_down() -> None:
    queue = MemoryRecordQueue()
    queue.available = False
    with pytest.raises(UnavailableError):
        accept_records(dataset=DATASET, raw_records=[make_wire()], now=NOW, queue=queue)


def test_more_records_than_the_limit_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        accept_records(dataset=DATASET, raw_records=[make_wire()] * 501, now=NOW, queue=MemoryRecordQueue())


def test_a_retried_call_is_the_same_batch() -> None:
    queue = MemoryRecordQueue()
    for seconds in (0, 60):
        accept_records(dataset=DATASET, raw_records=[make_wire()], now=NOW + timedelta(seconds=seconds), queue=queue)
    first, second = queue.batches
    assert first.batch_id == second.batch_id
    store = MemoryFeatureSetStore()
    assert [land(store, batch)[0].added_parts for batch in (first, second)] == [1, 0]
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    assert store.read_frame(version)["known_timestamp"].to_list() == [NOW.replace(tzinfo=None)]


def test_batches_of_one_call_make_one_version_per_dataset() -> None:
    store, other = MemoryFeatureSetStore(), make_dataset("ds_2", "ws_2")
    landings = land(store, make_batch(DATASET, 1), make_batch(other, 5), make_batch(DATASET, 2))
    assert [(landing.version.dataset, landing.version.version, landing.added_parts) for landing in landings] == [
        (DATASET, 1, 2),
        (other, 1, 1),
    ]
    assert read_ids(store) == ["r000001", "r000002"]
    assert read_ids(store, other) == ["r000005"]


def test_a_batch_makes_one_part_per_event_month() -> None:
    store = MemoryFeatureSetStore()
    (landing,) = land(store, make_batch(DATASET, 1, 35, 2))
    assert [(part.key.split("/")[3], part.rows) for part in landing.version.parts] == [
        ("event_month=2025-01", 2),
        ("event_month=2025-02", 1),
    ]


def test_later_batches_are_appended() -> None:
    store = MemoryFeatureSetStore()
    land(store, make_batch(DATASET, 1))
    (landing,) = land(store, make_batch(DATASET, 2))
    assert landing.version.version == 2
    assert read_ids(store) == ["r000001", "r000002"]
    first = store.find_version("ws_1", "ds_1", 1)
    assert first is not None
    assert len(first.parts) == 1


def test_a_redelivered_batch_adds_nothing() -> None:
    store, batch = MemoryFeatureSetStore(), make_batch(DATASET, 1, 35)
    land(store, batch, batch)
    (landing,) = land(store, batch)
    assert (landing.version.version, landing.added_parts) == (1, 0)
    (landing,) = land(store, batch, make_batch(DATASET, 2))
    assert (landing.version.version, landing.added_parts) == (2, 1)


def test_a_rival_writer_is_read_and_built_upon() -> None:
    store = BusyStore(rivals=3)
    (landing,) = land(store, make_batch(DATASET, 1))
    assert landing.version.version == 4
    assert read_ids(store) == ["r000001", "r000900", "r000901", "r000902"]


def test_rivals_without_end_are_a_conflict() -> None:
    pauses: list[int] = []
    with pytest.raises(ConflictError):
        land_batches(batches=[make_batch(DATASET, 1)], store=BusyStore(rivals=99), now=NOW, pause=pauses.append)
    assert pauses == list(range(LANDING_ATTEMPTS))


def test_many_writers_at_once_lose_nothing() -> None:
    store = MemoryFeatureSetStore()
    writers = [
        threading.Thread(target=lambda number=number: land_batches(batches=[make_batch(DATASET, number)], store=store, now=NOW))
        for number in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert read_ids(store) == [f"r{number:06d}" for number in range(12)]
