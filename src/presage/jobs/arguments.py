"""The arguments of each kind of job, as they are kept in the job's row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FileFormat = Literal["csv", "parquet", "ndjson"]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """`import_file`: read an uploaded object of the lake into a dataset."""

    dataset_id: str
    key: str
    format: FileFormat
    entity_column: str = "entity_id"
    event_timestamp_column: str = "event_timestamp"
    known_timestamp_column: str | None = None


@dataclass(frozen=True, slots=True)
class BuildModel:
    """`build_model`: train the reserved `version` on what was known at `cutoff`, and put it into production."""

    model_id: str
    version: int
    cutoff: datetime


@dataclass(frozen=True, slots=True)
class AnalyseExperiment:
    """`analyse_experiment`: take a look as of `as_of`, the experiment's own clock (when the job runs, if None)."""

    experiment_id: str
    as_of: datetime | None = None
