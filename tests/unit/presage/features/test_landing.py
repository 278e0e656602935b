"""Batches become parts and versions, and each id lands once."""

import io
import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import polars as pl
import pytest

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.landed_ids import MemoryLandedIds
from presage.errors import ConflictError, CorruptArtifactError, UnavailableError
from presage.features.dataset import Dataset
from presage.features.landing import LANDING_ATTEMPTS, Landing, land_batches, plan_merge
from presage.features.records import FeatureSetVersion, IdSegment, Part, Record, RecordBatch, build_batch
from tests.fixtures.feature_records import NOW, make_batch, make_dataset, make_record

DATASET = make_dataset()
T = TypeVar("T")


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


def land(store: MemoryFeatureSetStore, *batches: RecordBatch, now: datetime = NOW) -> list[Landing]:
    return land_batches(batches=batches, store=store, ids=MemoryLandedIds(store.objects), now=now, pause=lambda _: None)


class Crashing(MemoryFeatureSetStore):
    """Does a step and then fails."""

    def __init__(self, lake: MemoryFeatureSetStore, step: str) -> None:
        self._lake, self._step = lake, step

    def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
        return self._lake.find_version(workspace_id, dataset_id, version)

    def put_part(self, dataset: Dataset, batch_id: str, month: str, records: Sequence[Record]) -> Part:
        part = self._lake.put_part(dataset, batch_id, month, records)
        return self._survive("put_part", part)

    def create_version(self, version: FeatureSetVersion) -> None:
        self._lake.create_version(version)
        self._survive("create_version", None)

    def _survive(self, step: str, value: T) -> T:
        if step == self._step:
            raise UnavailableError(step)
        return value


class CrashingIds(MemoryLandedIds):
    """Writes a segment and then fails."""

    def __init__(self, lake: MemoryFeatureSetStore, step: str) -> None:
        super().__init__(lake.objects)
        self._step = step

    def put_segment(self, dataset: Dataset, day: date, record_ids: Sequence[str], *, merged: Sequence[IdSegment] = ()) -> IdSegment:
        segment = super().put_segment(dataset, day, record_ids, merged=merged)
        if self._step == "put_segment":
            raise UnavailableError(self._step)
        return segment


def list_rows(store: MemoryFeatureSetStore, dataset: Dataset = DATASET) -> list[str]:
    """The ids of all rows of all parts, as they lie there: without what readers do about ids that landed twice."""
    version = store.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    return sorted(pl.concat([pl.read_parquet(io.BytesIO(store.objects[part.key])) for part in version.parts])["record_id"].to_list())


def read_ids(store: MemoryFeatureSetStore, dataset: Dataset = DATASET) -> list[str]:
    version = store.find_version(dataset.workspace_id, dataset.dataset_id)
    assert version is not None
    return sorted(store.read_frame(version)["record_id"].to_list())


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


def land_at_once(store: MemoryFeatureSetStore, batches: list[RecordBatch]) -> None:
    ids = MemoryLandedIds(store.objects)
    writers = [
        threading.Thread(target=lambda batch=batch: land_batches(batches=[batch], store=store, ids=ids, now=NOW)) for batch in batches
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


def test_a_rival_writer_is_read_and_built_upon() -> None:
    store = BusyStore(rivals=3)
    (landing,) = land(store, make_batch(DATASET, 1))
    assert landing.version.version == 4
    assert read_ids(store) == ["r000001", "r000900", "r000901", "r000902"]


def test_rivals_without_end_are_a_conflict() -> None:
    pauses: list[int] = []
    store = BusyStore(rivals=99)
    with pytest.raises(ConflictError):
        land_batches(batches=[make_batch(DATASET, 1)], store=store, ids=MemoryLandedIds(store.objects), now=NOW, pause=pauses.append)
    assert pauses == list(range(LANDING_ATTEMPTS))


def test_many_writers_at_once_lose_nothing() -> None:
    store = MemoryFeatureSetStore()
    land_at_once(store, [make_batch(DATASET, number) for number in range(12)])
    assert read_ids(store) == [f"r{number:06d}" for number in range(12)]


def test_many_writers_of_overlapping_batches_land_each_id_once() -> None:
    store = MemoryFeatureSetStore()
    land_at_once(store, [make_batch(DATASET, *range(number, number + 6)) for number in range(12)])
    assert list_rows(store) == [f"r{number:06d}" for number in range(17)]


def test_an_id_sent_again_in_another_batch_lands_once_for_seven_days() -> None:
    store = MemoryFeatureSetStore()
    land(store, make_batch(DATASET, 1, 2))
    again = build_batch(DATASET, [make_record(2, entity_id="other"), make_record(3)], received_at=NOW)
    (landing,) = land(store, again, now=NOW + timedelta(days=7))
    assert landing.version.version == 2
    assert list_rows(store) == ["r000001", "r000002", "r000003"]
    (landing,) = land(store, make_batch(DATASET, 2, 1), now=NOW + timedelta(days=7))
    assert (landing.version.version, landing.added_parts) == (2, 0)
    land(store, make_batch(DATASET, 2, 1), now=NOW + timedelta(days=8))
    assert list_rows(store) == ["r000001", "r000001", "r000002", "r000002", "r000003"]
    assert read_ids(store) == ["r000001", "r000002", "r000003"]


def test_of_equal_ids_in_batches_that_land_together_the_one_received_first_stays() -> None:
    store = MemoryFeatureSetStore()
    later = build_batch(DATASET, [make_record(1, entity_id="later"), make_record(2)], received_at=NOW + timedelta(seconds=1))
    land(store, later, make_batch(DATASET, 1, 7))
    version = store.find_version(DATASET.workspace_id, DATASET.dataset_id)
    assert version is not None
    assert list_rows(store) == ["r000001", "r000002", "r000007"]
    assert "later" not in store.read_frame(version)["entity_id"].to_list()


def test_another_datasets_ids_do_not_count() -> None:
    store, other = MemoryFeatureSetStore(), make_dataset("ds_2")
    land(store, make_batch(DATASET, 1))
    land(store, make_batch(other, 1))
    assert read_ids(store, other) == ["r000001"]


def test_a_rival_that_lands_the_same_id_first_is_not_repeated() -> None:
    store = MemoryFeatureSetStore()
    rival = make_batch(DATASET, 1, 5)

    class Overtaken(MemoryFeatureSetStore):
        def create_version(self, version: FeatureSetVersion) -> None:
            if version.version == 1:
                land(store, rival)
            store.create_version(version)

    ours = Overtaken()
    ours.objects, ours.find_version = store.objects, store.find_version  # type: ignore[method-assign]  # one lake, two writers
    land_batches(batches=[make_batch(DATASET, 1, 2)], store=ours, ids=MemoryLandedIds(store.objects), now=NOW, pause=lambda _: None)
    assert list_rows(store) == ["r000001", "r000002", "r000005"]


@pytest.mark.parametrize("step", ["put_part", "put_segment", "create_version"])
def test_no_id_is_known_before_its_record_landed(step: str) -> None:
    """A crash after any step leaves ids that a redelivery does not take for landed."""
    store = MemoryFeatureSetStore()
    batch = make_batch(DATASET, 1, 35)
    with pytest.raises(UnavailableError):
        land_batches(batches=[batch], store=Crashing(store, step), ids=CrashingIds(store, step), now=NOW, pause=lambda _: None)
    land(store, batch)
    assert list_rows(store) == ["r000001", "r000035"]
    land(store, batch)
    assert list_rows(store) == ["r000001", "r000035"]


def test_a_damaged_segment_is_an_error_and_not_a_reason_to_land_twice() -> None:
    store = MemoryFeatureSetStore()
    (landing,) = land(store, make_batch(DATASET, 1))
    store.objects[landing.version.id_segments[0].key] += b"x"
    with pytest.raises(CorruptArtifactError):
        land(store, make_batch(DATASET, 2))


def test_segments_of_a_day_stay_few_and_each_id_is_in_one() -> None:
    store = MemoryFeatureSetStore()
    landing = [land(store, make_batch(DATASET, number))[0] for number in range(60)][-1]
    assert sum(segment.ids for segment in landing.version.id_segments) == 60
    assert len(landing.version.id_segments) <= 6
    (landing,) = land(store, make_batch(DATASET, *range(100)))
    assert [segment.ids for segment in landing.version.id_segments][-1] >= 40
    assert len(list_rows(store)) == 100


def test_segments_of_other_days_are_left_alone_until_they_are_forgotten() -> None:
    def segment(day: int, ids: int) -> IdSegment:
        return IdSegment(date(2026, 3, day), f"{day}-{ids}", "", ids)

    old, yesterday, large, small = segment(1, 5), segment(8, 1), segment(9, 1_000), segment(9, 10)
    assert plan_merge([old, yesterday, large, small], 6, today=date(2026, 3, 9)) == ([yesterday, large], [small])
    assert plan_merge([old, yesterday, large, small], 600, today=date(2026, 3, 9)) == ([yesterday], [small, large])
    assert plan_merge([old, yesterday], 600, today=date(2026, 3, 8)) == ([old], [yesterday])
