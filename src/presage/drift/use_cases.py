"""Checks a day of a version's predictions for drift, and keeps what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import msgspec
import numpy as np

from presage.drift.comparison import TOLERANCE, ColumnDrift, compare_column, compute_alpha_of_day
from presage.drift.model import SCHEMA, DriftReport
from presage.errors import AlreadyExistsError, CorruptArtifactError, InvalidInputError
from presage.predictions.ports import PredictionLog, PredictionLogEntry
from presage.predictions.traffic import read_day
from presage.progress import Progress
from presage.training.model import ModelVersion
from presage.training.ports import TrainingFiles, VersionReportStore
from presage.training.reference import FORMAT, PREDICTION, ColumnReference, Reference, count_bins

MOST_PREDICTIONS = 50_000
"""What a check reads of a day."""
REPORT_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class DriftPorts:
    """What drift is found with."""

    log: PredictionLog
    files: TrainingFiles
    reports: VersionReportStore


class _Scored(msgspec.Struct):
    score: float | tuple[float, ...] | None = None
    answered_by: str = ""


@dataclass
class _Day:
    """What was read of a day: the first prediction of each entity by the version."""

    read: int = 0
    complete: bool = True
    first: dict[str, PredictionLogEntry] = field(default_factory=dict)

    def add(self, entry: PredictionLogEntry, version: int) -> None:
        self.read += 1
        if entry.entity_id is None or entry.model_version != version or _read_result(entry).answered_by != "model":
            return
        known = self.first.setdefault(entry.entity_id, entry)
        self.first[entry.entity_id] = min(known, entry, key=lambda one: (one.created_at, one.prediction_id))


def check_drift(version: ModelVersion, day: date, *, now: datetime, ports: DriftPorts, progress: Progress) -> DriftReport:
    """Return how far the version's predictions of a UTC day are from what it was trained on, after keeping it.

    Compared are the features and the score of the first prediction of each entity: predictions of one entity are no independent
    draws. A day that is not over is compared as far as it goes; the promise of few false alarms is that of one check a day.
    Idempotency: a day that is over is kept once.

    Raises:
        InvalidInputError: The day is to come or before the version was built, or the version has no reference to compare with.
        CorruptArtifactError: The reference is not the version's.
        UnavailableError: A store did not answer.
        JobCancelledError: As raised by `progress`.
    """
    number = _number_day(version, day, now)
    reference = _read_reference(version, ports.files)
    found = _read(version, day, log=ports.log, progress=progress)
    alpha = compute_alpha_of_day(number)
    report = DriftReport(
        schema=SCHEMA,
        report_id=_name_report(day, now),
        model_id=version.model_id,
        version=version.version,
        training_set_id=version.training_set_id,
        day=day,
        checked_at=now,
        predictions=found.read,
        entities=len(found.first),
        complete=found.complete,
        alpha=alpha,
        tolerance=TOLERANCE,
        columns=_compare(reference, list(found.first.values()), alpha=alpha),
    )
    _keep(report, version, ports.reports)
    return report


def _number_day(version: ModelVersion, day: date, now: datetime) -> int:
    number = (day - version.created_at.astimezone(UTC).date()).days + 1
    if number < 1:
        raise InvalidInputError(f"Version {version.version} was built after {day.isoformat()}", path="$.day")
    if day > now.astimezone(UTC).date():
        raise InvalidInputError(f"{day.isoformat()} is to come (UTC)", path="$.day")
    return number


def _name_report(day: date, now: datetime) -> str:
    at = now.astimezone(UTC)
    return day.isoformat() if day < at.date() else f"{day.isoformat()}T{at:%H%M%S}Z"


def _read_reference(version: ModelVersion, files: TrainingFiles) -> Reference:
    body = files.read_artifact(f"{version.artifact_key.rpartition('/')[0]}/reference.json")
    if body is None:
        message = f"Version {version.version} was built before distributions were kept: build a new version to watch it"
        raise InvalidInputError(message, path="$.version")
    try:
        reference = msgspec.json.decode(body, type=Reference)
    except msgspec.DecodeError as error:
        raise CorruptArtifactError(f"the reference of version {version.version} cannot be read: {error}") from error
    if (reference.format, reference.training_set_id) != (FORMAT, version.training_set_id):
        raise CorruptArtifactError(f"the reference of version {version.version} is of another training set")
    return reference


def _read(version: ModelVersion, day: date, *, log: PredictionLog, progress: Progress) -> _Day:
    total = log.count_by_model_day(version.workspace_id, version.model_id, day.isoformat())
    found = _Day(complete=total <= MOST_PREDICTIONS)
    for entry in read_day(version.workspace_id, version.model_id, day, log):
        if found.read == MOST_PREDICTIONS:
            break
        found.add(entry, version.version)
        if found.read % REPORT_EVERY == 0:
            progress(0.95 * found.read / max(min(total, MOST_PREDICTIONS), found.read), f"{found.read} predictions read")
    return found


def _compare(reference: Reference, entries: list[PredictionLogEntry], *, alpha: float) -> tuple[ColumnDrift, ...]:
    share = alpha / max(len(reference.columns), 1)
    return tuple(compare_column(column, _count(column, entries), alpha=share) for column in reference.columns)


def _count(column: ColumnReference, entries: list[PredictionLogEntry]) -> tuple[int, ...]:
    """Return the bins of the column in those entries that used it."""
    if column.name == PREDICTION:
        values: list[object] = [_read_result(entry).score for entry in entries]
    else:
        values = [entry.features[column.name] for entry in entries if column.name in entry.features]
    return count_bins(column.edges, np.array([np.nan if value is None else value for value in values], dtype=np.float64))


def _read_result(entry: PredictionLogEntry) -> _Scored:
    result: Mapping[str, object] = entry.result
    return msgspec.convert(result, _Scored)


def _keep(report: DriftReport, version: ModelVersion, reports: VersionReportStore) -> None:
    place = (version.model_id, version.version)
    try:
        reports.create_report(version.workspace_id, place, report.report_id, msgspec.json.encode(report))
    except AlreadyExistsError:  # an attempt or a check before this one got as far
        return
