"""An import ends in the same version and the same counts, wherever it was interrupted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.seen_ids import open_seen_ids
from presage.errors import WorkerStoppingError
from presage.features.records import Record
from presage.features.sources import importing
from presage.features.sources.importing import CHECKPOINT_BATCHES, import_source
from presage.features.sources.model import ImportSummary, Position, RowFault, SourceBatch
from presage.features.sources.ports import ImportPorts
from presage.progress import Progress, ignore_progress
from tests.fixtures.feature_records import NOW, make_dataset, make_record

DATASET = make_dataset()
BATCH_ROWS = 10
NEVER = 10**9


@dataclass
class ListSource:
    """Goes on behind every third batch only."""

    rows: list[Record | RowFault]
    read_from: list[int] = field(default_factory=list)

    def read(self, position: Position) -> Iterator[SourceBatch]:
        first = int(str(position.get("batch", 0)))
        self.read_from.append(first)
        for number in range(first, -(-len(self.rows) // BATCH_ROWS)):
            rows = self.rows[number * BATCH_ROWS : (number + 1) * BATCH_ROWS]
            place = {"batch": number + 1} if number % 3 == 2 else None
            yield SourceBatch(rows, place, (number + 1) * BATCH_ROWS / len(self.rows), skipped=1)


@dataclass
class Interrupting:
    """A `Progress` that keeps checkpoints as a job's row does, and ends the process at its `calls`-th call."""

    calls: int = NEVER
    checkpoint: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        assert 0 <= fraction <= 1
        assert message
        if checkpoint is not None:
            self.checkpoint = msgspec.json.decode(msgspec.json.encode(checkpoint))
        self.calls -= 1
        if self.calls < 0:
            raise WorkerStoppingError("stopped")


def run(store: MemoryFeatureSetStore, source: ListSource, progress: Progress = ignore_progress, **more: object) -> ImportSummary:
    ports = ImportPorts(store, store, open_seen_ids)
    checkpoint = more.get("checkpoint")
    assert checkpoint is None or isinstance(checkpoint, dict)
    return import_source(dataset=DATASET, source=source, ports=ports, now=NOW, progress=progress, checkpoint=checkpoint)


def make_rows() -> list[Record | RowFault]:
    """Of 200 rows 10 are faults, 20 repeat others, some of them in other batches and one in another month."""
    rows: list[Record | RowFault] = [make_record(number % 170) for number in range(190)]
    return [*rows, *(RowFault(number, "wrong_type", "$", "no") for number in range(10))]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rows in (("PART_ROWS", 30), ("WINDOW_ROWS", 60), ("CHECKPOINT_ROWS", 40)):
        monkeypatch.setattr(importing, name, rows)


def read_ids(store: MemoryFeatureSetStore) -> list[str]:
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    return sorted(name for part in version.parts for name, _ in store.read_ids(part))


def test_an_import_that_is_interrupted_anywhere_ends_as_one_that_is_not() -> None:
    whole = MemoryFeatureSetStore()
    expected = run(whole, ListSource(make_rows()))
    assert (expected.rows, expected.accepted, expected.duplicates, expected.invalid, expected.skipped) == (220, 170, 20, 10, 20)
    for first in range(22):
        for second in (0, 1, 4):
            store, source = MemoryFeatureSetStore(), ListSource(make_rows())
            kept = Interrupting(first)
            for calls in (first, second, NEVER):
                kept.calls = calls
                try:
                    summary = run(store, source, kept, checkpoint=dict(kept.checkpoint))
                    break
                except WorkerStoppingError:
                    continue
            assert summary == expected, (first, second)
            assert read_ids(store) == read_ids(whole)
            assert source.read_from == sorted(source.read_from)


def test_a_crash_between_the_version_and_the_end_of_the_job_changes_nothing() -> None:
    store, source, kept = MemoryFeatureSetStore(), ListSource(make_rows()), Interrupting()
    first = run(store, source, kept)
    assert run(store, source, Interrupting(), checkpoint=dict(kept.checkpoint)) == first
    assert source.read_from == [0]
    assert (first.version, len(read_ids(store))) == (1, 170)


def test_what_the_dataset_has_is_a_duplicate_and_only_what_is_new_lands() -> None:
    store = MemoryFeatureSetStore()
    run(store, ListSource([make_record(number) for number in range(100)]))
    late = run(store, ListSource([make_record(number) for number in range(50, 130)]))
    assert (late.rows - late.skipped, late.accepted, late.duplicates, late.version) == (80, 30, 50, 2)
    assert read_ids(store) == sorted(f"r{number:06d}" for number in range(130))


def test_a_record_that_was_known_earlier_lands_again_and_counts_for_readers() -> None:
    store = MemoryFeatureSetStore()
    run(store, ListSource([make_record(1), make_record(2)]))
    earlier = [make_record(number, known=NOW - timedelta(days=number)) for number in (1, 2)]
    assert run(store, ListSource([earlier[0], replace(earlier[1], known_timestamp=NOW)])).accepted == 1
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    assert store.read_frame(version)["known_timestamp"].dt.replace_time_zone("UTC").to_list() == [earlier[0].known_timestamp, NOW]


def test_a_month_with_very_many_rows_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_KNOWN_ROWS", 1)
    store = MemoryFeatureSetStore()
    rows = [make_record(number) for number in range(3)]
    run(store, ListSource([*rows]))
    again = run(store, ListSource([replace(rows[0], entity_id="other"), make_record(9)]))
    assert (again.accepted, again.duplicates) == (2, 0)
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    assert store.read_frame(version).height == 4


def test_many_small_batches_leave_checkpoints_too() -> None:
    class Hours:
        def read(self, position: Position) -> Iterator[SourceBatch]:
            for hour in range(int(str(position.get("hour", 0))), 3 * CHECKPOINT_BATCHES):
                yield SourceBatch(
                    [make_record(hour, event=datetime(2025, 1, 1, tzinfo=UTC))] if hour % 50 == 0 else [], {"hour": hour + 1}, 0.5
                )

    store, kept = MemoryFeatureSetStore(), Interrupting(2 * CHECKPOINT_BATCHES)
    ports = ImportPorts(store, store, open_seen_ids)
    with pytest.raises(WorkerStoppingError):
        import_source(dataset=DATASET, source=Hours(), ports=ports, now=NOW, progress=kept)
    position = kept.checkpoint["position"]
    assert isinstance(position, dict)
    assert position["hour"] >= CHECKPOINT_BATCHES
