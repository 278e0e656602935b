"""The warehouse in dictionaries: the same statistics as the SQL, by plain loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from math import fsum
from statistics import fmean

from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import (
    BINARY_KINDS,
    Assignment,
    Experiment,
    Metric,
    MetricStatistics,
    Source,
    ValueMoments,
    Variant,
    VariantStatistics,
    list_sources,
)
from presage.experiments.plan import list_metrics
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion

Key = tuple[str, str]
"""Workspace and experiment."""
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Outcome:
    source: str
    unit_id: str
    event_timestamp: datetime
    known_timestamp: datetime
    item: str | None
    value: float | None


@dataclass(frozen=True, slots=True)
class _Unit:
    variant: Variant
    first_exposed_at: datetime
    crossed_at: datetime | None
    allocation_version: int


Values = tuple[float, float]


@dataclass(slots=True)
class _Contents:
    """What is kept of one experiment: what was loaded, the units that it touched since, and what each unit did."""

    assignments: dict[str, Assignment] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], _Outcome] = field(default_factory=dict)
    parts: set[tuple[str, str]] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    units: dict[str, _Unit] = field(default_factory=dict)
    values: dict[tuple[str, str], Values] = field(default_factory=dict)
    loaded_at: dict[tuple[str, ...], datetime] = field(default_factory=dict)


class MemoryWarehouse:
    """`Warehouse` and `WarehouseLedger` for tests; it reads outcomes through the store that holds the parts."""

    def __init__(self, feature_sets: FeatureSetStore) -> None:
        self._feature_sets = feature_sets
        self._contents: dict[Key, _Contents] = {}
        self._now = datetime(2000, 1, 1, tzinfo=UTC)

    def load_assignments(self, assignments: Sequence[Assignment]) -> None:
        """Keep exposures by `prediction_id`."""
        self._now += TICK
        for found in assignments:
            contents = self._contents.setdefault((found.workspace_id, found.experiment_id), _Contents())
            if found.prediction_id not in contents.assignments:
                contents.assignments[found.prediction_id] = found
                contents.touched.add(found.unit_id)
                contents.loaded_at["assignments", found.prediction_id] = self._now

    def load_outcomes(self, experiment: Experiment, version: FeatureSetVersion, source: Source) -> int:
        """Keep the version's records by `record_id`, the earliest known of each, and return how many of its parts were new."""
        contents = self._contents.setdefault(_key(experiment), _Contents())
        keys = {(source.key, part.key) for part in version.parts}
        fresh = keys - contents.parts
        if fresh:
            self._now += TICK
            for row in self._feature_sets.read_frame(version).iter_rows(named=True):
                _keep(contents, row["record_id"], _build_outcome(row, source), now=self._now)
            contents.parts |= fresh
        return len(fresh)

    def update_units(self, experiment: Experiment) -> int:
        """Compute anew what each unit did of which something was loaded since the last call; return how many units those are."""
        contents = self._contents.setdefault(_key(experiment), _Contents())
        touched, contents.touched = contents.touched, set()
        metrics = [metric for _, metric in list_metrics(experiment.plan)]
        units, values = _compute_units(contents, metrics, touched)
        contents.units = {unit_id: unit for unit_id, unit in contents.units.items() if unit_id not in touched} | units
        contents.values = {key: kept for key, kept in contents.values.items() if key[1] not in touched} | values
        return len(touched)

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        """Return when the first unit was exposed, or None."""
        return min((found.exposed_at for found in self._list_exposures(workspace_id, experiment_id)), default=None)

    def get_clock(self) -> datetime:
        """Return a time of the warehouse's own, which goes on with each load."""
        return self._now

    def count_exposures(
        self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime | None
    ) -> tuple[int, int, int, datetime | None]:
        """Return (rows, units, units met by both variants, first exposure) up to `as_of` of what was loaded until then."""
        met = [found for found in self._restrict(experiment, None, loaded_until).assignments.values() if found.exposed_at <= as_of]
        variants: dict[str, set[Variant]] = {}
        for found in met:
            variants.setdefault(found.unit_id, set()).add(found.variant)
        crossed = sum(len(names) > 1 for names in variants.values())
        return len(met), len(variants), crossed, min((found.exposed_at for found in met), default=None)

    def recompute_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics from all assignments and outcomes that were loaded until then."""
        units, values = _compute_units(self._restrict(experiment, None, loaded_until), [metric], None)
        return _compute_statistics(experiment, metric, _choose(units, allocation_version), values, as_of)

    def read_fingerprints(self, experiment: Experiment, *, after: datetime | None, until: datetime | None) -> Sequence[Fingerprint]:
        """Return one for each table, of the experiment's rows that were loaded in (after, until]."""
        loaded = self._restrict(experiment, after, until)
        shown = [(found.prediction_id, item) for found in loaded.assignments.values() for item in found.shown]
        tables = {"assignments": loaded.assignments.values(), "shown_items": shown, "outcomes": loaded.outcomes.items()}
        return [_hash_rows(table, [repr(row) for row in rows]) for table, rows in tables.items()]

    def change_outcome(self, experiment: Experiment, metric: Metric, *, unit_id: str, event_timestamp: datetime) -> None:
        """Change the time of a unit's outcomes behind everybody's back, as nobody should."""
        outcomes = self._contents[_key(experiment)].outcomes
        mine = {key: found for key, found in outcomes.items() if (found.source, found.unit_id) == (metric.name, unit_id)}
        outcomes.update({key: replace(found, event_timestamp=event_timestamp) for key, found in mine.items()})

    def _restrict(self, experiment: Experiment, after: datetime | None, until: datetime | None) -> _Contents:
        contents = self._contents.get(_key(experiment), _Contents())
        loaded = {key for key, at in contents.loaded_at.items() if (after is None or at > after) and (until is None or at <= until)}
        return _Contents(
            assignments={key: found for key, found in contents.assignments.items() if ("assignments", key) in loaded},
            outcomes={key: found for key, found in contents.outcomes.items() if ("outcomes", *key) in loaded},
        )

    def get_statistics(
        self, experiment: Experiment, metric: Metric, *, as_of: datetime, full: bool = False, allocation_version: int = 1
    ) -> MetricStatistics:
        """Return the metric's statistics over units (without crossovers) whose window closed at or before `as_of`."""
        contents = self._contents.get(_key(experiment), _Contents())
        units, values = _compute_units(contents, [metric], None) if full else (contents.units, contents.values)
        return _compute_statistics(experiment, metric, _choose(units, allocation_version), values, as_of)

    def _list_exposures(self, workspace_id: str, experiment_id: str) -> Iterable[Assignment]:
        return self._contents.get((workspace_id, experiment_id), _Contents()).assignments.values()


def _compute_statistics(
    experiment: Experiment, metric: Metric, units: Mapping[str, _Unit], values: Mapping[tuple[str, str], Values], as_of: datetime
) -> MetricStatistics:
    found: dict[Variant, list[Values]] = {"control": [], "treatment": []}
    for unit_id, unit in units.items():
        crossed = unit.crossed_at is not None and unit.crossed_at <= as_of
        if not crossed and unit.first_exposed_at + timedelta(hours=metric.window_hours) <= as_of:
            found[unit.variant].append(values.get((metric.name, unit_id), (0.0, 0.0)))
    control, treatment = (_summarise(metric, found[variant]) for variant in ("control", "treatment"))
    return MetricStatistics(control, treatment, f"-- memory: {metric.kind} {metric.name} of {experiment.experiment_id}")


def _hash_rows(table: str, rows: Sequence[str]) -> Fingerprint:
    """Return the rows' number and both halves of the sum of their hashes."""
    digests = [md5(row.encode(), usedforsecurity=False).hexdigest() for row in rows]
    first, second = (sum(int(digest[part], 16) for digest in digests) for part in (slice(16), slice(16, 32)))
    return Fingerprint(table, len(rows), str(first), str(second))


def _key(experiment: Experiment) -> Key:
    return experiment.workspace_id, experiment.experiment_id


def _build_outcome(row: dict[str, object], source: Source) -> _Outcome:
    moments = [moment.replace(tzinfo=UTC) for moment in (row["event_timestamp"], row["known_timestamp"]) if isinstance(moment, datetime)]
    item = row[source.item_column] if source.item_column else None
    value = row[source.value_column] if source.value_column else None
    return _Outcome(
        source=source.key,
        unit_id=str(row["entity_id"]),
        event_timestamp=moments[0],
        known_timestamp=moments[1],
        item=None if item is None else str(item),
        value=float(value) if isinstance(value, int | float) else None,
    )


def _keep(contents: _Contents, record_id: str, outcome: _Outcome, *, now: datetime) -> None:
    former = contents.outcomes.get((outcome.source, record_id))
    if former is not None and (former.known_timestamp, former.event_timestamp) <= (outcome.known_timestamp, outcome.event_timestamp):
        return
    contents.outcomes[outcome.source, record_id] = outcome
    contents.loaded_at.setdefault(("outcomes", outcome.source, record_id), now)
    contents.touched |= {outcome.unit_id} if former is None else {outcome.unit_id, former.unit_id}


def _compute_units(
    contents: _Contents, metrics: Sequence[Metric], wanted: set[str] | None
) -> tuple[dict[str, _Unit], dict[tuple[str, str], Values]]:
    """Return what the wanted units (None: all) met and, by metric, what they did."""
    exposures: dict[str, list[Assignment]] = {}
    for found in contents.assignments.values():
        if wanted is None or found.unit_id in wanted:
            exposures.setdefault(found.unit_id, []).append(found)
    outcomes: dict[tuple[str, str], list[_Outcome]] = {}
    for outcome in contents.outcomes.values():
        if outcome.unit_id in exposures:
            outcomes.setdefault((outcome.source, outcome.unit_id), []).append(outcome)
    units = {unit_id: _build_unit(met) for unit_id, met in exposures.items()}
    values = {}
    for metric in metrics:
        for unit_id, unit in units.items():
            mine = [outcome for source in list_sources(metric) for outcome in outcomes.get((source.key, unit_id), [])]
            measured = _measure(metric, unit, [one for one in mine if _counts(metric, unit, one, exposures[unit_id])])
            if measured is not None:
                values[metric.name, unit_id] = measured
    return units, values


def _build_unit(exposures: Sequence[Assignment]) -> _Unit:
    firsts: dict[Variant, datetime] = {}
    for found in exposures:
        firsts[found.variant] = min(found.exposed_at, firsts.get(found.variant, found.exposed_at))
    (first_exposed_at, variant), *others = sorted((met_at, variant) for variant, met_at in firsts.items())
    return _Unit(variant, first_exposed_at, others[0][0] if others else None, min(found.allocation_version for found in exposures))


def _choose(units: Mapping[str, _Unit], allocation_version: int) -> dict[str, _Unit]:
    return {unit_id: unit for unit_id, unit in units.items() if unit.allocation_version == allocation_version}


def _counts(metric: Metric, unit: _Unit, outcome: _Outcome, exposures: Sequence[Assignment]) -> bool:
    """Return whether the outcome is read: in the unit's window (or the covariate's), and for a hit shown to the unit before."""
    opens = unit.first_exposed_at + timedelta(hours=metric.start_hours - metric.covariate_hours)
    if not opens < outcome.event_timestamp <= unit.first_exposed_at + timedelta(hours=metric.window_hours):
        return False
    if metric.kind != "hit":
        return True
    return any(outcome.item in shown.shown for shown in exposures if shown.exposed_at < outcome.event_timestamp)


def _measure(metric: Metric, unit: _Unit, outcomes: Sequence[_Outcome]) -> Values | None:
    """Return the unit's two values, or None when it did nothing."""
    if metric.kind == "mean":
        found = [outcome.value for outcome in outcomes if outcome.value is not None]
        return (_cap(fmean(found), metric), 1.0) if found else None
    if not outcomes:
        return None
    if metric.kind in BINARY_KINDS:
        return 1.0, 0.0
    own, *others = list_sources(metric)
    if others:
        parts = [_add(source, (one for one in outcomes if one.source == source.key)) for source in (own, others[0])]
        return parts[0], parts[1]
    inside = _add(own, (one for one in outcomes if one.event_timestamp > unit.first_exposed_at))
    before = _add(own, (one for one in outcomes if one.event_timestamp <= unit.first_exposed_at))
    return _cap(inside, metric), _cap(before, metric) if metric.covariate_hours else 0.0


def _add(source: Source, outcomes: Iterable[_Outcome]) -> float:
    return fsum((outcome.value or 0.0) if source.value_column else 1.0 for outcome in outcomes)


def _cap(value: float, metric: Metric) -> float:
    return value if metric.cap is None else min(value, metric.cap)


def _summarise(metric: Metric, values: Sequence[Values]) -> VariantStatistics:
    firsts, seconds = [first for first, _ in values], [second for _, second in values]
    conversions = sum(first != 0.0 for first in firsts)
    if metric.kind in BINARY_KINDS:
        return VariantStatistics(len(values), conversions)
    (mean, ones), (second_mean, others) = _center(firsts), _center(seconds)
    moments = ValueMoments(mean, _multiply(ones, ones), second_mean, _multiply(others, others), _multiply(ones, others))
    return VariantStatistics(len(values), conversions, moments)


def _multiply(left: Sequence[float], right: Sequence[float]) -> float:
    return fsum(one * other for one, other in zip(left, right, strict=True))


def _center(values: Sequence[float]) -> tuple[float, list[float]]:
    mean = fsum(values) / max(1, len(values))
    return mean, [value - mean for value in values]
