"""Assignments and outcomes in Redshift: staged in S3, copied and merged in one transaction, counted by SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from presage.adapters.client import translate_errors
from presage.adapters.redshift.data_api import DataApi, Value
from presage.adapters.redshift.hours import build_exposures, build_sealing, build_statistics
from presage.adapters.redshift.statements import (
    FIRST_EXPOSURE,
    LOADED_PARTS,
    build_assignment_load,
    build_outcome_load,
)
from presage.adapters.redshift.statistics import build_full_statistics
from presage.adapters.redshift.unit_rows import PENDING, build_update
from presage.experiments.model import (
    BINARY_KINDS,
    CONTROL,
    Assignment,
    Experiment,
    Metric,
    MetricStatistics,
    Source,
    ValueMoments,
    Variant,
    VariantStatistics,
    list_arms,
    list_sources,
)
from presage.experiments.plan import list_metrics
from presage.experiments.ports import ExposureCounts
from presage.features.records import FeatureSetVersion, Part

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

Row = tuple[Variant, int, int, float, float, float, float, float]
"""Variant, units, conversions; mean and squares of the value and of the second one; products."""

STAGING_TAG = "presage=staging"
"""What the lake's lifecycle knows files by that wait to be copied; it lets them expire."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Where rows wait to be copied: the lake bucket, and the role that lets Redshift read it."""

    bucket: str
    copy_role_arn: str


class RedshiftWarehouse:
    """`Warehouse` on the Redshift Data API. Loads lock their tables, so that concurrent ones merge one after the other."""

    def __init__(self, data_api: DataApi, s3: S3Client, staging: Staging) -> None:
        self._data_api = data_api
        self._s3 = s3
        self._staging = staging

    def load_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Stage and merge exposures by `prediction_id`, one transaction for each workspace.

        Raises:
            UnavailableError: S3 or Redshift did not carry it out; nothing of that workspace's rows is half-written.
        """
        by_workspace: dict[str, dict[tuple[str, str], Assignment]] = {}
        for found in assignments:
            by_workspace.setdefault(found.workspace_id, {})[found.experiment_id, found.prediction_id] = found
        for workspace_id, distinct in by_workspace.items():
            folder = f"ws={workspace_id}/staging/assignments/{uuid4().hex}"
            rows = self._stage(f"{folder}/assignments.json", (_build_assignment_row(found) for found in distinct.values()))
            items = self._stage(f"{folder}/shown_items.json", _build_item_rows(distinct.values()))
            statements = build_assignment_load(assignments_uri=rows or "", shown_items_uri=items, role_arn=self._staging.copy_role_arn)
            self._data_api.run_batch(statements)

    def load_outcomes(self, experiment: Experiment, version: FeatureSetVersion, source: Source) -> int:
        """Copy the parts of the version that are not loaded yet, merge by `record_id`, and return how many parts were.

        Raises:
            UnavailableError: S3 or Redshift did not carry it out; no part counts as loaded.
        """
        keys = {**name_experiment(experiment), "metric": source.key}
        loaded = {row[0] for row in self._data_api.query(LOADED_PARTS, keys)}
        fresh = [part for part in version.parts if part.key not in loaded]
        if not fresh:
            return 0
        folder = f"ws={experiment.workspace_id}/staging/outcomes/{uuid4().hex}"
        manifest = self._put(f"{folder}/parts.manifest", msgspec.json.encode({"entries": [self._build_entry(part) for part in fresh]}))
        parts = self._stage(f"{folder}/loaded_parts.json", ({**keys, "part_key": part.key} for part in fresh))
        role_arn = self._staging.copy_role_arn
        statements = build_outcome_load(source, version.dataset, manifest_uri=manifest, parts_uri=parts or "", role_arn=role_arn)
        self._data_api.run_batch(statements)
        return len(fresh)

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        """Return when the first unit was exposed, or None."""
        parameters = {"workspace_id": workspace_id, "experiment_id": experiment_id}
        ((first,),) = self._data_api.query(FIRST_EXPOSURE, parameters)
        return None if first is None else read_time(first)

    def update_units(self, experiment: Experiment, *, as_of: datetime) -> int:
        """Compute anew what each unit did of which something was loaded since the last call; return how many units those are.

        Then moments are kept of the hours whose windows are closed at `as_of`. They save reading rows and change no statistics, so
        that is a transaction of its own.

        Raises:
            UnavailableError: S3 or Redshift did not carry it out; all that is left is done by the next call.
        """
        ((pending,),) = msgspec.convert(self._data_api.query(PENDING, name_experiment(experiment)), list[tuple[int]])
        if not pending:
            return 0
        metrics = [metric for _, metric in list_metrics(experiment.plan)]
        folder, role_arn = f"ws={experiment.workspace_id}/staging/outcomes/{uuid4().hex}", self._staging.copy_role_arn
        keys = self._stage(f"{folder}/keys.json", ({"place": place, **name_sources(metric)} for place, metric in enumerate(metrics)))
        self._data_api.run_batch(build_update(metrics, experiment=experiment, keys_uri=keys or "", role_arn=role_arn))
        closed = self._stage(f"{folder}/metrics.json", (_build_closed_row(metric, as_of) for metric in metrics))
        self._data_api.run_batch(build_sealing(experiment, metrics_uri=closed or "", role_arn=role_arn))
        return pending

    def get_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime) -> ExposureCounts:
        """Return (rows, units, units that met a second variant, first exposure) up to `as_of`, as of the last `update_units`."""
        times = {"as_of": format_time(as_of), "loaded_until": format_time(loaded_until)}
        return read_exposures(self._data_api.query(build_exposures(), {**name_experiment(experiment), **times}))

    def get_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, full: bool = False, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics over units (without crossovers) whose window closed at or before `as_of`.

        They are as of the last `update_units`; `full` computes them from all assignments and outcomes instead.
        """
        names = name_count(experiment, metric, allocation_version)
        query = build_full_statistics(metric) if full else build_statistics(metric)
        asked = {name: value for name, value in names.items() if f":{name}" in query}
        return read_statistics(experiment, metric, self._data_api.query(query, {**asked, "as_of": format_time(as_of)}), names)

    def _build_entry(self, part: Part) -> dict[str, object]:
        url = f"s3://{self._staging.bucket}/{part.key}"
        return {"url": url, "mandatory": True, "meta": {"content_length": part.size_bytes}}

    def _stage(self, key: str, rows: Iterable[Mapping[str, object]]) -> str | None:
        """Write JSON lines and return their address, or None when there are no rows."""
        body = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        return self._put(key, body) if body else None

    def _put(self, key: str, body: bytes) -> str:
        with translate_errors(f"stage {key}"):
            self._s3.put_object(Bucket=self._staging.bucket, Key=key, Body=body, Tagging=STAGING_TAG)
        return f"s3://{self._staging.bucket}/{key}"


def name_experiment(experiment: Experiment) -> dict[str, str]:
    """Return the parameters that name an experiment's rows."""
    return {"workspace_id": experiment.workspace_id, "experiment_id": experiment.experiment_id}


def name_sources(metric: Metric) -> dict[str, str]:
    """Return the parameters that name a metric's outcomes."""
    return dict(zip(("metric", "denominator"), (source.key for source in list_sources(metric)), strict=False))


def name_count(experiment: Experiment, metric: Metric, allocation_version: int) -> dict[str, str]:
    """Return the parameters that name what a statistics query counts."""
    return {**name_experiment(experiment), **name_sources(metric), "allocation_version": str(allocation_version)}


def read_statistics(
    experiment: Experiment, metric: Metric, rows: Sequence[tuple[Value, ...]], names: Mapping[str, str]
) -> MetricStatistics:
    """Return what the rows of a statistics query say, with the text that computes them from everything loaded, for what `names` says."""
    control, arms = read_variants(experiment, metric, rows)
    return MetricStatistics(control, arms, write_query(build_full_statistics(metric), names))


def read_variants(
    experiment: Experiment, metric: Metric, rows: Sequence[tuple[Value, ...]]
) -> tuple[VariantStatistics, tuple[VariantStatistics, ...]]:
    """Return what rows of a statistics query, one a variant, say of control and of the arms."""
    found = {row[0]: _build_statistics(metric, row) for row in msgspec.convert(rows, list[Row])}
    empty = VariantStatistics(0, 0, None if metric.kind in BINARY_KINDS else ValueMoments(0.0, 0.0, 0.0, 0.0, 0.0))
    return found.get(CONTROL, empty), tuple(found.get(arm.name, empty) for arm in list_arms(experiment.plan))


def write_query(query: str, names: Mapping[str, str]) -> str:
    """Return a query's text with its parameters but for times."""
    return f"-- {', '.join(f'{name} = {value}' for name, value in names.items())}\n{query}"


def _build_statistics(metric: Metric, row: Row) -> VariantStatistics:
    _, units, conversions, *moments = row
    return VariantStatistics(units, conversions, None if metric.kind in BINARY_KINDS else ValueMoments(*moments))


def read_exposures(rows: Sequence[tuple[Value, ...]]) -> ExposureCounts:
    """Return what the one row of a query for exposures says."""
    ((exposures, units, crossovers, first),) = rows
    return *msgspec.convert((exposures, units, crossovers), tuple[int, int, int]), None if first is None else read_time(first)


def read_time(text: Value) -> datetime:
    """Return the time of a TIMESTAMP that was cast to text."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


def format_time(moment: datetime) -> str:
    """Return the naive UTC text that both COPY and CAST read as a TIMESTAMP, in microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _build_closed_row(metric: Metric, as_of: datetime) -> dict[str, object]:
    """Return the latest hour whose units' windows are closed: its last unit may have been exposed at its very end."""
    return {"metric": metric.name, "closed_until": format_time(as_of - timedelta(hours=metric.window_hours + 1))}


def _build_assignment_row(found: Assignment) -> dict[str, object]:
    row: dict[str, object] = {
        "workspace_id": found.workspace_id,
        "experiment_id": found.experiment_id,
        "prediction_id": found.prediction_id,
        "unit_id": found.unit_id,
        "variant": found.variant,
        "exposed_at": format_time(found.exposed_at),
        "allocation_version": found.allocation_version,
    }
    return row if found.model_version is None else {**row, "model_version": found.model_version}


def _build_item_rows(assignments: Iterable[Assignment]) -> Iterable[dict[str, object]]:
    for found in assignments:
        row = _build_assignment_row(found)
        for item in dict.fromkeys(found.shown):
            kept = {key: row[key] for key in ("workspace_id", "experiment_id", "prediction_id", "unit_id", "exposed_at")}
            yield {**kept, "item": item}
