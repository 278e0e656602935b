"""Records: what was true of an entity, when, and since when the platform (or its source) has known it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from presage.features.dataset import Column, Dataset, Scalar

RECORD_ID, ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP = "record_id", "entity_id", "event_timestamp", "known_timestamp"
"""The columns that every part has."""


@dataclass(frozen=True, slots=True)
class Record:
    """One accepted record.

    `event_timestamp` is when it was true; `known_timestamp` when it became known: the platform's clock at acceptance,
    unless a backfill declares an earlier one (never before `event_timestamp`, never in the future). All aware UTC.
    """

    record_id: str
    entity_id: str
    event_timestamp: datetime
    known_timestamp: datetime
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """The records of one accepted call; `batch_id` is a hash of their ids, so a retried call is the same batch."""

    dataset: Dataset
    batch_id: str
    received_at: datetime
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable parquet object. Columns: record_id, entity_id, event_timestamp, known_timestamp, then the dataset's.

    Units: timestamps are microseconds UTC; numbers are float64.
    """

    key: str
    sha256: str
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class IdSegment:
    """One immutable object with the ids of records that landed on one day (UTC)."""

    day: date
    key: str
    sha256: str
    ids: int


@dataclass(frozen=True, slots=True)
class FeatureSetVersion:
    """An immutable manifest: all parts of the dataset as of this version (1, 2, …).

    `id_segments` hold the ids of the records that landed lately by the queue: a record whose id is in there does not land again.
    `columns_added` are those of `dataset` that the version before did not have; in its parts they are null.
    """

    dataset: Dataset
    version: int
    parts: tuple[Part, ...]
    created_at: datetime
    id_segments: tuple[IdSegment, ...] = ()
    columns_added: tuple[Column, ...] = ()


def compute_batch_id(record_ids: Iterable[str]) -> str:
    """Return the id of the batch of these records, in this order."""
    return sha256("\n".join(record_ids).encode()).hexdigest()[:32]


def build_batch(dataset: Dataset, records: Sequence[Record], *, received_at: datetime) -> RecordBatch:
    """Return the batch of these records."""
    return RecordBatch(dataset, compute_batch_id(record.record_id for record in records), received_at, tuple(records))


def split_by_month(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records by the UTC month (`YYYY-MM`) of their event, each in the given order."""
    months: dict[str, list[Record]] = {}
    for record in records:
        months.setdefault(f"{record.event_timestamp:%Y-%m}", []).append(record)
    return months
