"""Records of the queue become parts and a version of their dataset, each id once. Free of polars, as all use cases are.

The ids that landed lately are objects of the lake which a version names, as it names its parts. So the ids of records and the
records themselves become visible in one conditional write: an id is never known before its record is there, and of two writers
that land the same id, the one that loses the version's number reads what the other added and leaves it out.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from presage.errors import AlreadyExistsError, ConflictError
from presage.features.dataset import Dataset
from presage.features.ports import FeatureSetStore, LandedIds
from presage.features.records import FeatureSetVersion, IdSegment, Part, Record, RecordBatch, build_batch, split_by_month

LANDING_ATTEMPTS = 12
REMEMBERED = timedelta(days=7)
"""How long an id keeps others of its kind from landing, at least; at most a day more, as segments are of a day."""
_GROWTH = 2
"""A segment takes those of its day along that are not more than so many times larger: a day has few, and an id moves seldom."""
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0

Pause = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of one dataset's batches: its newest version, and how many parts this call added to it (0: all were there)."""

    version: FeatureSetVersion
    added_parts: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What the next version holds besides the head's parts, and the segments of ids that it names in place of the head's."""

    parts: tuple[Part, ...]
    id_segments: tuple[IdSegment, ...]


Plan = Callable[[FeatureSetVersion | None], Addition]
"""Given the head, writes what is to be added and returns it. It is called again when another writer came first."""


def pause_with_jitter(attempt: int) -> None:
    """Sleep for a random time below a bound that doubles with `attempt` (0, 1, …), at most a second."""
    bound_seconds = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
    time.sleep(bound_seconds * secrets.randbelow(1_000) / 1_000)


def land_batches(
    *, batches: Sequence[RecordBatch], store: FeatureSetStore, ids: LandedIds, now: datetime, pause: Pause = pause_with_jitter
) -> list[Landing]:
    """Write batches into the lake, adding at most one version per dataset, and return a landing per dataset.

    A record whose id landed in the last 7 days, or is in an earlier one of these batches, is left out.
    Idempotency: what the newest version holds already adds nothing; when nothing is new, no version is made.

    Raises:
        ConflictError: Others added versions `LANDING_ATTEMPTS` times in between; try again later.
        UnavailableError: The lake did not answer. Parts may have been written; a retry uses them.
    """
    ordered = sorted(batches, key=lambda batch: (batch.dataset.workspace_id, batch.dataset.dataset_id, batch.received_at))
    groups = groupby(ordered, key=lambda batch: (batch.dataset.workspace_id, batch.dataset.dataset_id))
    return [_land_dataset(tuple(group), store, ids, now, pause) for _, group in groups]


def append_version(dataset: Dataset, plan: Plan, *, store: FeatureSetStore, now: datetime, pause: Pause = pause_with_jitter) -> Landing:
    """Add a version with what `plan` adds to the newest one, however often other writers come in between.

    Raises:
        ConflictError: As for `land_batches`.
    """
    for attempt in range(LANDING_ATTEMPTS):
        head = store.find_version(dataset.workspace_id, dataset.dataset_id)
        addition = plan(head)
        if head and not addition.parts:
            return Landing(head, 0)
        version = _follow(head, dataset, addition, now)
        try:
            store.create_version(version)
        except AlreadyExistsError:
            pause(attempt)
        else:
            return Landing(version, len(addition.parts))
    raise ConflictError(f"dataset {dataset.dataset_id}: {LANDING_ATTEMPTS} attempts to add a version met another writer each time")


def _follow(head: FeatureSetVersion | None, dataset: Dataset, addition: Addition, now: datetime) -> FeatureSetVersion:
    """Return the next version, in the newest schema: what comes late was accepted for an older one, and lacks its columns only."""
    if head is None:
        return FeatureSetVersion(dataset, 1, addition.parts, now, addition.id_segments)
    newest = max(head.dataset, dataset, key=lambda known: known.schema_version)
    added = tuple(column for column in newest.columns if column not in head.dataset.columns)
    return FeatureSetVersion(newest, head.version + 1, head.parts + addition.parts, now, addition.id_segments, added)


def plan_merge(segments: Sequence[IdSegment], new_ids: int, *, today: date) -> tuple[list[IdSegment], list[IdSegment]]:
    """Return which segments stay as they are, and which of today's become one with `new_ids` new ids. Forgotten ones are in neither."""
    kept = keep_remembered(segments, today=today)
    merged: list[IdSegment] = []
    while kept and kept[-1].day == today and kept[-1].ids <= _GROWTH * (new_ids + sum(segment.ids for segment in merged)):
        merged.append(kept.pop())
    return kept, merged


def keep_remembered(segments: Iterable[IdSegment], *, today: date) -> list[IdSegment]:
    """Return the segments whose ids still count."""
    return [segment for segment in segments if segment.day >= today - REMEMBERED]


def _land_dataset(batches: Sequence[RecordBatch], store: FeatureSetStore, ids: LandedIds, now: datetime, pause: Pause) -> Landing:
    dataset = batches[-1].dataset
    today = now.astimezone(UTC).date()
    written: dict[tuple[str, str], Part] = {}

    def plan(head: FeatureSetVersion | None) -> Addition:
        segments = head.id_segments if head else ()
        fresh = _keep_new(batches, keep_remembered(segments, today=today), ids)
        keys_there = {part.key for part in head.parts} if head else set()
        parts: list[Part] = []
        landed: list[str] = []
        for batch in fresh:
            for month, records in split_by_month(batch.records).items():
                if (batch.batch_id, month) not in written:
                    written[batch.batch_id, month] = store.put_part(dataset, batch.batch_id, month, records)
                part = written[batch.batch_id, month]
                if part.key not in keys_there:
                    parts.append(part)
                    landed.extend(record.record_id for record in records)
        if not parts:
            return Addition((), segments)
        kept, merged = plan_merge(segments, len(landed), today=today)
        return Addition(tuple(parts), (*kept, ids.put_segment(dataset, today, landed, merged=merged)))

    return append_version(dataset, plan, store=store, now=now, pause=pause)


def _keep_new(batches: Sequence[RecordBatch], segments: Sequence[IdSegment], ids: LandedIds) -> list[RecordBatch]:
    """Return the batches without the records that landed or came before; what is left of a batch is another batch, with its own id."""
    seen = ids.find_landed(segments, [record.record_id for batch in batches for record in batch.records])
    fresh: list[RecordBatch] = []
    for batch in batches:
        records: list[Record] = []
        for record in batch.records:
            if record.record_id not in seen:
                seen.add(record.record_id)
                records.append(record)
        if len(records) == len(batch.records):
            fresh.append(batch)
        elif records:
            fresh.append(build_batch(batch.dataset, records, received_at=batch.received_at))
    return fresh
