"""Any source into a dataset: checked rows become parts, and all parts one version, whatever happens to the process in between.

What a checkpoint says is what a resumed import goes on from: the place in the source, the parts that were written by then, and
the counts of the rows in them. Parts that were written behind it are written again, under the same keys if the source gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from presage.features.dataset import Dataset
from presage.features.keys import parse_part_month
from presage.features.landing import Addition, append_version
from presage.features.records import FeatureSetVersion, Part, Record, build_batch, split_by_month
from presage.features.sources.model import ImportSummary, Position, RowFault, Source, SourceBatch
from presage.features.sources.ports import IdAndKnown, ImportPorts, SeenIds
from presage.progress import Progress, ignore_progress

PART_ROWS = 50_000
WINDOW_ROWS = 100_000
"""Rows held in memory and sorted by event before they are cut into parts."""
CHECKPOINT_ROWS = 50_000
"""Rows that a crash may cost, beyond what the source cannot go on in the middle of."""
CHECKPOINT_BATCHES = 100
MAX_REPORTED_ERRORS = 20
MOST_KNOWN_ROWS = 10_000_000
"""Of a month: beyond, its ids are not looked up, and records that are there already land twice; readers keep the earliest known."""
_SHARE_OF_READING = 0.95
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class _Counts:
    """Of the rows read so far."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    skipped: int = 0
    first_errors: list[RowFault] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    """What a checkpoint holds. `position` is None when all is read up to `end`, and only the version is missing."""

    position: dict[str, object] | None = field(default_factory=dict)
    end: dict[str, object] = field(default_factory=dict)
    counts: _Counts = field(default_factory=_Counts)
    parts: list[Part] = field(default_factory=list)


def import_source(
    *,
    dataset: Dataset,
    source: Source,
    ports: ImportPorts,
    now: datetime,
    progress: Progress = ignore_progress,
    checkpoint: Mapping[str, object] | None = None,
) -> ImportSummary:
    """Add the records of a source to a dataset as one version and return what came of its rows.

    Invalid rows are counted, the first ones reported, and do not stop the rest. Until the last row is read, nothing of the source
    can be seen in the dataset. `progress` is called for every batch, and given what `checkpoint` is to be at the next attempt.
    Idempotency: a record whose id is in the dataset, known no later, is a duplicate; when nothing is new, no version is made.

    Raises:
        InvalidInputError, NotFoundError, ForbiddenError, UnavailableError: As for `Source.read`.
        ConflictError, UnavailableError: As for `land_batches`.
    """
    state = msgspec.convert(dict(checkpoint or {}), _State)
    if state.position is not None:
        with ports.open_seen_ids() as seen:
            _Reading(dataset, ports, seen, state, now).read(source, progress)
    counts, version = state.counts, None
    if state.parts:
        parts = {part.key: part for part in state.parts}
        version = append_version(dataset, lambda head: _add_parts(parts, head), store=ports.store, now=now).version.version
    progress(1.0, f"{counts.rows:,} rows read, {counts.accepted:,} accepted")
    invalid = counts.rows - counts.accepted - counts.duplicates - counts.skipped
    return ImportSummary(
        counts.rows, counts.accepted, counts.duplicates, invalid, version, tuple(counts.first_errors), skipped=counts.skipped, end=state.end
    )


class _Reading:
    """One attempt at reading a source to its end; leaves all in `state`."""

    def __init__(self, dataset: Dataset, ports: ImportPorts, seen: SeenIds, state: _State, now: datetime) -> None:
        self._dataset = dataset
        self._ports = ports
        self._seen = seen
        self._state = state
        self._now = now
        head = ports.store.find_version(dataset.workspace_id, dataset.dataset_id)
        self._unread = _group_by_month(head)
        self._window: list[Record] = []
        self._rows_since = self._batches_since = 0

    def read(self, source: Source, progress: Progress) -> None:
        """Read on to the end, with a checkpoint wherever enough was read and the source can go on."""
        for part in self._state.parts:
            self._seen.admit(self._ports.part_ids.read_ids(part))
        for batch in source.read(self._state.position or {}):
            self._take(batch)
            if len(self._window) >= WINDOW_ROWS:
                self._write()
            checkpoint = None if batch.position is None else self._commit(batch.position)
            progress(min(batch.fraction, 1.0) * _SHARE_OF_READING, f"{self._state.counts.rows:,} rows read", checkpoint)
        self._write()
        self._state.end, self._state.position = self._state.position or {}, None
        progress(_SHARE_OF_READING, f"{self._state.counts.rows:,} rows read", msgspec.to_builtins(self._state))

    def _take(self, batch: SourceBatch) -> None:
        counts = self._state.counts
        records = [row for row in batch.rows if isinstance(row, Record)]
        if len(records) < len(batch.rows) and len(counts.first_errors) < MAX_REPORTED_ERRORS:
            faults = [row for row in batch.rows if isinstance(row, RowFault)]
            counts.first_errors.extend(faults[: MAX_REPORTED_ERRORS - len(counts.first_errors)])
        for month in {(record.event_timestamp.year, record.event_timestamp.month) for record in records} & self._unread.keys():
            self._note_month(month)
        is_new = self._seen.admit([_identify(record) for record in records])
        fresh = [record for record, new in zip(records, is_new, strict=True) if new]
        self._window.extend(fresh)
        counts.rows += len(batch.rows) + batch.skipped
        counts.skipped += batch.skipped
        counts.accepted += len(fresh)
        counts.duplicates += len(records) - len(fresh)
        self._rows_since += len(batch.rows)
        self._batches_since += 1

    def _note_month(self, month: tuple[int, int]) -> None:
        """Note the ids that the dataset has of a month, when the first record of that month is met."""
        parts = self._unread.pop(month)
        if sum(part.rows for part in parts) <= MOST_KNOWN_ROWS:
            for part in parts:
                self._seen.admit(self._ports.part_ids.read_ids(part))

    def _commit(self, position: Position) -> Mapping[str, object] | None:
        """Return the checkpoint at `position`, if enough was read since the last one."""
        self._state.position = dict(position)
        if self._window and self._rows_since < CHECKPOINT_ROWS and self._batches_since < CHECKPOINT_BATCHES:
            return None
        self._write()
        self._rows_since = self._batches_since = 0
        return msgspec.to_builtins(self._state)  # type: ignore[no-any-return]

    def _write(self) -> None:
        """Write the window in the order of events, so that a part of a month holds many rows instead of a few of each batch."""
        self._window.sort(key=lambda record: (record.event_timestamp, record.record_id))
        for start in range(0, len(self._window), PART_ROWS):
            batch = build_batch(self._dataset, self._window[start : start + PART_ROWS], received_at=self._now)
            for month, records in split_by_month(batch.records).items():
                self._state.parts.append(self._ports.store.put_part(self._dataset, batch.batch_id, month, records))
        self._window = []


def _identify(record: Record) -> IdAndKnown:
    return record.record_id, (record.known_timestamp - _EPOCH) // _MICROSECOND


def _group_by_month(head: FeatureSetVersion | None) -> dict[tuple[int, int], list[Part]]:
    months: dict[tuple[int, int], list[Part]] = {}
    for part in head.parts if head else ():
        year, month = parse_part_month(part.key)
        months.setdefault((year, month), []).append(part)
    return months


def _add_parts(parts: Mapping[str, Part], head: FeatureSetVersion | None) -> Addition:
    if head is None:
        return Addition(tuple(parts.values()), ())
    keys_there = {part.key for part in head.parts}
    return Addition(tuple(part for key, part in parts.items() if key not in keys_there), head.id_segments)
