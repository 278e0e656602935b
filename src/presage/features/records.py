"""Records: what was true of an entity, when, and since when the platform (or its source) has known it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from presage.features.dataset import Dataset, Scalar


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
class FeatureSetVersion:
    """An immutable manifest: all parts of the dataset as of this version (1, 2, …)."""

    dataset: Dataset
    version: int
    parts: tuple[Part, ...]
    created_at: datetime
