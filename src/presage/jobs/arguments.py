"""The arguments of each kind of job, as they are kept in the job's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

FileFormat = Literal["csv", "tsv", "parquet", "ndjson"]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """`import_file`: read an uploaded object of the lake into a dataset; `columns` says what is declared of its columns, by name."""

    dataset_id: str
    key: str
    format: FileFormat
    entity_column: str = "entity_id"
    event_timestamp_column: str = "event_timestamp"
    known_timestamp_column: str | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportAmplitude:
    """`import_amplitude`: read what was uploaded to an Amplitude project from `start` to `until` (now, if None) into a dataset.

    `credential` is the name of what holds the project's keys; `columns` says which property a column's value is.
    """

    dataset_id: str
    credential: str
    start: datetime
    until: datetime | None = None
    region: Literal["us", "eu"] = "us"
    entity: Literal["user_id", "device_id", "amplitude_id"] = "user_id"
    event_types: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportWarehouse:
    """`import_warehouse`: read a table or a query of a customer's warehouse into a dataset, rows whose cursor is in [`since`, `until`).

    `credential` is the name of what holds the login; `columns` says which column of the warehouse a dataset's values are.
    """

    dataset_id: str
    credential: str
    kind: Literal["postgresql", "mysql", "redshift"]
    cursor_column: str
    key_column: str
    entity_column: str
    event_timestamp_column: str
    known_timestamp_column: str | None = None
    table: str | None = None
    query: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    rows: Literal["events", "states"] = "events"
    since: int | datetime | None = None
    until: int | datetime | None = None


@dataclass(frozen=True, slots=True)
class BuildModel:
    """`build_model`: train the reserved `version` on what was known at `cutoff`, and put it under `alias`.

    `promote="if_better"` does the latter only when it is shown to be better than what serves there.
    """

    model_id: str
    version: int
    cutoff: datetime
    alias: Literal["staging", "production"] = "production"
    promote: Literal["always", "if_better"] = "always"


@dataclass(frozen=True, slots=True)
class AnalyseExperiment:
    """`analyse_experiment`: take a look as of `as_of`, the experiment's own clock (when the job runs, if None)."""

    experiment_id: str
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class EstimateOffPolicy:
    """`estimate_off_policy`: judge a version by the lists of the last `days` that chance had a part in, as of the job's creation.

    `dataset`, `item_column` and `window_hours` are those of the `hit` metric `metric`; `epsilon` and `among` what the version would
    leave to chance itself.
    """

    model_id: str
    version: int
    metric: str
    dataset: str
    item_column: str
    window_hours: int
    days: int
    alpha: float
    baseline_version: int | None = None
    epsilon: float | None = None
    among: int | None = None


@dataclass(frozen=True, slots=True)
class CheckDrift:
    """`check_drift`: hold a version's predictions of `day` (UTC, `YYYY-MM-DD`) against what it was trained on."""

    model_id: str
    version: int
    day: str


@dataclass(frozen=True, slots=True)
class RefreshSnapshot:
    """`refresh_snapshot`: give the version that serves, or the named one, feature values as of the job's creation."""

    model_id: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class PredictBatch:
    """`predict_batch`: score many entities with a version, or with the one that serves under `alias` when the job begins.

    The entities are a dataset's (`dataset_id`), those of an uploaded file (`key`, `format`, `entity_column`), or without either all that
    the version's snapshot knows. Predictions are for `as_of` (the job's creation, if None).
    """

    model_id: str
    version: int | None = None
    alias: Literal["staging", "production"] = "production"
    dataset_id: str | None = None
    key: str | None = None
    format: FileFormat = "csv"
    entity_column: str = "entity_id"
    as_of: datetime | None = None
