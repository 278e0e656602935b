"""The warehouse in dictionaries: the same counts as the SQL, by plain loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from presage.experiments.model import Assignment, Experiment, Metric, Variant, VariantCounts
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion

VARIANTS: tuple[Variant, ...] = ("control", "treatment")


@dataclass(frozen=True, slots=True)
class _Outcome:
    unit_id: str
    event_timestamp: datetime
    item: str | None


@dataclass(frozen=True, slots=True)
class _Unit:
    variant: Variant | Literal["both"]
    first_exposed_at: datetime
    exposures: tuple[Assignment, ...]


class MemoryWarehouse:
    """`Warehouse` for tests; it reads outcomes through the store that holds the parts."""

    def __init__(self, feature_sets: FeatureSetStore) -> None:
        self._feature_sets = feature_sets
        self._assignments: dict[tuple[str, str, str], Assignment] = {}
        self._outcomes: dict[tuple[str, str], dict[str, _Outcome]] = {}
        self._parts: set[tuple[str, str, str]] = set()

    def load_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Keep exposures by `prediction_id`."""
        for assignment in assignments:
            key = (assignment.workspace_id, assignment.experiment_id, assignment.prediction_id)
            self._assignments.setdefault(key, assignment)

    def load_outcomes(self, experiment: Experiment, version: FeatureSetVersion, metric: Metric) -> int:
        """Keep the version's records by `record_id` and return how many of its parts were new."""
        keys = {(experiment.experiment_id, metric.name, part.key) for part in version.parts}
        fresh = keys - self._parts
        if fresh:
            kept = self._outcomes.setdefault((experiment.experiment_id, metric.name), {})
            for row in self._feature_sets.read_frame(version).iter_rows(named=True):
                item = row[metric.item_column] if metric.item_column else None
                kept[row["record_id"]] = _Outcome(row["entity_id"], row["event_timestamp"].replace(tzinfo=UTC), item)
            self._parts |= fresh
        return len(fresh)

    def count_assignments(self, workspace_id: str, experiment_id: str, *, as_of: datetime) -> tuple[int, int, int]:
        """Return (rows, units, units met by both variants) of exposures up to `as_of`."""
        units = self._list_units(workspace_id, experiment_id, as_of)
        rows = sum(len(unit.exposures) for unit in units.values())
        return rows, len(units), sum(unit.variant == "both" for unit in units.values())

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        """Return when the first unit was exposed, or None."""
        return min((found.exposed_at for found in self._list_exposures(workspace_id, experiment_id)), default=None)

    def get_variant_counts(self, experiment: Experiment, metric: Metric, *, as_of: datetime) -> Sequence[VariantCounts]:
        """Return both variants' counts over units (without crossovers) whose metric window closed at or before `as_of`."""
        window = timedelta(hours=metric.window_hours)
        outcomes = self._outcomes.get((experiment.experiment_id, metric.name), {})
        by_unit: dict[str, list[_Outcome]] = {}
        for outcome in outcomes.values():
            by_unit.setdefault(outcome.unit_id, []).append(outcome)
        units = dict.fromkeys(VARIANTS, 0)
        conversions = dict.fromkeys(VARIANTS, 0)
        for unit_id, unit in self._list_units(experiment.workspace_id, experiment.experiment_id, as_of).items():
            if unit.variant == "both" or unit.first_exposed_at + window > as_of:
                continue
            units[unit.variant] += 1
            conversions[unit.variant] += any(_converts(unit, outcome, metric) for outcome in by_unit.get(unit_id, []))
        return [VariantCounts(variant, units[variant], conversions[variant]) for variant in VARIANTS]

    def describe_sql(self, experiment: Experiment, metric: Metric) -> str:
        """Return a note: nothing here runs SQL."""
        return f"-- memory: {metric.kind} {metric.name} of {experiment.experiment_id}"

    def _list_exposures(self, workspace_id: str, experiment_id: str) -> Iterator[Assignment]:
        wanted = (workspace_id, experiment_id)
        return (found for found in self._assignments.values() if (found.workspace_id, found.experiment_id) == wanted)

    def _list_units(self, workspace_id: str, experiment_id: str, as_of: datetime) -> dict[str, _Unit]:
        by_unit: dict[str, list[Assignment]] = {}
        for found in self._list_exposures(workspace_id, experiment_id):
            if found.exposed_at <= as_of:
                by_unit.setdefault(found.unit_id, []).append(found)
        return {unit_id: _build_unit(exposures) for unit_id, exposures in by_unit.items()}


def _build_unit(exposures: list[Assignment]) -> _Unit:
    variants = {exposure.variant for exposure in exposures}
    variant = variants.pop() if len(variants) == 1 else "both"
    return _Unit(variant, min(exposure.exposed_at for exposure in exposures), tuple(exposures))


def _converts(unit: _Unit, outcome: _Outcome, metric: Metric) -> bool:
    """Return whether the outcome lies in the unit's window and, for a hit, was shown to the unit before."""
    closes = unit.first_exposed_at + timedelta(hours=metric.window_hours)
    if not unit.first_exposed_at < outcome.event_timestamp <= closes:
        return False
    if metric.kind == "conversion":
        return True
    return any(outcome.item in shown.shown for shown in unit.exposures if shown.exposed_at < outcome.event_timestamp)
