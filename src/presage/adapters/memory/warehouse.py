"""The warehouse in dictionaries: the same statistics as the SQL, by plain loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5

from presage.adapters.memory.hours import (
    Group,
    HourMoments,
    build_statistics,
    choose_units,
    forget_changed_hours,
    group_units,
    keep_closed_hours,
    merge_hours,
)
from presage.adapters.memory.segments import choose_values, count_groups
from presage.adapters.memory.unit_rows import Outcome, Unit, Values, compute_units
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import (
    CONTROL,
    Assignment,
    Experiment,
    Metric,
    MetricStatistics,
    Source,
    UnitSegment,
    Variant,
    list_arms,
)
from presage.experiments.plan import list_metrics
from presage.experiments.ports import ExposureCounts
from presage.experiments.segments import SegmentStatistics
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion

Key = tuple[str, str]
"""Workspace and experiment."""
TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class _Contents:
    """What is kept of one experiment: what was loaded, the units that it touched since, and what each unit did."""

    assignments: dict[str, Assignment] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    parts: set[tuple[str, str]] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    units: dict[str, Unit] = field(default_factory=dict)
    values: dict[tuple[str, str], Values] = field(default_factory=dict)
    hours: HourMoments = field(default_factory=dict)
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

    def update_units(self, experiment: Experiment, *, as_of: datetime) -> int:
        """Compute anew what each unit did of which something was loaded since the last call; return how many units those are.

        Then moments are kept of the hours whose windows are closed at `as_of`.
        """
        contents = self._contents.setdefault(_key(experiment), _Contents())
        touched, contents.touched = contents.touched, set()
        if not touched:
            return 0
        metrics = [metric for _, metric in list_metrics(experiment.plan)]
        units, values = _compute_units(contents, metrics, touched)
        former = {unit_id: unit for unit_id, unit in contents.units.items() if unit_id in touched}
        former_values = {key: found for key, found in contents.values.items() if key[1] in touched}
        contents.units = {unit_id: unit for unit_id, unit in contents.units.items() if unit_id not in touched} | units
        contents.values = {key: found for key, found in contents.values.items() if key[1] not in touched} | values
        changed = {key for key, _ in former_values.items() ^ values.items()}
        forget_changed_hours(contents.hours, former, units, changed)
        for metric in metrics:
            keep_closed_hours(contents.hours, metric, contents.units, contents.values, as_of=as_of)
        return len(touched)

    def get_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime) -> ExposureCounts:
        """Return (rows, units, units that met a second variant, first exposure) up to `as_of`, as of the last `update_units`."""
        rows = [found for found in self._restrict(experiment, None, loaded_until).assignments.values() if found.exposed_at <= as_of]
        units = [unit for unit in self._contents.get(_key(experiment), _Contents()).units.values() if unit.first_exposed_at <= as_of]
        crossed = sum(unit.crossed_at is not None and unit.crossed_at <= as_of for unit in units)
        return len(rows), len(units), crossed, min((unit.first_exposed_at for unit in units), default=None)

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        """Return when the first unit was exposed, or None."""
        return min((found.exposed_at for found in self._list_exposures(workspace_id, experiment_id)), default=None)

    def get_clock(self) -> datetime:
        """Return a time of the warehouse's own, which goes on with each load."""
        return self._now

    def count_exposures(self, experiment: Experiment, *, as_of: datetime, loaded_until: datetime | None) -> ExposureCounts:
        """Return (rows, units, units that met a second variant, first exposure) up to `as_of` of what was loaded until then."""
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
        groups = group_units(metric, choose_units(units, allocation_version), values, as_of=as_of)
        return _build_statistics(experiment, metric, groups)

    def count_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the primary metric's statistics in each group: what units did as of the last `update_units`."""
        kept = self._contents.get(_key(experiment), _Contents())
        contents = replace(self._restrict(experiment, None, loaded_until), units=kept.units, values=kept.values)
        return _count_segment(experiment, segment, contents, as_of=as_of, allocation_version=allocation_version)

    def recompute_segment(
        self, experiment: Experiment, segment: UnitSegment, *, as_of: datetime, loaded_until: datetime | None, allocation_version: int = 1
    ) -> SegmentStatistics:
        """Return the same from all assignments and outcomes that were loaded until then."""
        contents = self._restrict(experiment, None, loaded_until)
        units, values = _compute_units(contents, [experiment.plan.primary], None)
        contents = replace(contents, units=units, values=values)
        return _count_segment(experiment, segment, contents, as_of=as_of, allocation_version=allocation_version)

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
        if full:
            units, values = _compute_units(contents, [metric], None)
            groups = group_units(metric, choose_units(units, allocation_version), values, as_of=as_of)
        else:
            kept = contents.hours, metric, contents.units, contents.values
            groups = merge_hours(*kept, as_of=as_of, allocation_version=allocation_version)
        return _build_statistics(experiment, metric, groups)

    def _list_exposures(self, workspace_id: str, experiment_id: str) -> Iterable[Assignment]:
        return self._contents.get((workspace_id, experiment_id), _Contents()).assignments.values()


def _compute_units(
    contents: _Contents, metrics: Sequence[Metric], wanted: set[str] | None
) -> tuple[dict[str, Unit], dict[tuple[str, str], Values]]:
    return compute_units(contents.assignments.values(), contents.outcomes.values(), metrics, wanted)


def _count_segment(
    experiment: Experiment, segment: UnitSegment, contents: _Contents, *, as_of: datetime, allocation_version: int
) -> SegmentStatistics:
    plan, units = experiment.plan, choose_units(contents.units, allocation_version)
    known = choose_values(segment, units, contents.outcomes)
    groups = count_groups(plan, segment, units, contents.values, known=known, as_of=as_of)
    return SegmentStatistics(groups, f"-- memory: {plan.primary.name} by {segment.name} of {experiment.experiment_id}")


def _build_statistics(experiment: Experiment, metric: Metric, groups: Mapping[Variant, Group]) -> MetricStatistics:
    control, *arms = (build_statistics(metric, groups.get(name)) for name in (CONTROL, *(arm.name for arm in list_arms(experiment.plan))))
    return MetricStatistics(control, tuple(arms), f"-- memory: {metric.kind} {metric.name} of {experiment.experiment_id}")


def _hash_rows(table: str, rows: Sequence[str]) -> Fingerprint:
    """Return the rows' number and both halves of the sum of their hashes."""
    digests = [md5(row.encode(), usedforsecurity=False).hexdigest() for row in rows]
    first, second = (sum(int(digest[part], 16) for digest in digests) for part in (slice(16), slice(16, 32)))
    return Fingerprint(table, len(rows), str(first), str(second))


def _key(experiment: Experiment) -> Key:
    return experiment.workspace_id, experiment.experiment_id


def _build_outcome(row: dict[str, object], source: Source) -> Outcome:
    moments = [moment.replace(tzinfo=UTC) for moment in (row["event_timestamp"], row["known_timestamp"]) if isinstance(moment, datetime)]
    item = row[source.item_column] if source.item_column else None
    value = row[source.value_column] if source.value_column else None
    return Outcome(
        source=source.key,
        unit_id=str(row["entity_id"]),
        event_timestamp=moments[0],
        known_timestamp=moments[1],
        item=None if item is None else _write_text(item),
        value=float(value) if isinstance(value, int | float) else None,
    )


def _write_text(value: object) -> str:
    """Return a value as text, as databases write it."""
    return str(value).lower() if isinstance(value, bool) else str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _keep(contents: _Contents, record_id: str, outcome: Outcome, *, now: datetime) -> None:
    former = contents.outcomes.get((outcome.source, record_id))
    if former is not None and (former.known_timestamp, former.event_timestamp) <= (outcome.known_timestamp, outcome.event_timestamp):
        return
    contents.outcomes[outcome.source, record_id] = outcome
    contents.loaded_at.setdefault(("outcomes", outcome.source, record_id), now)
    contents.touched |= {outcome.unit_id} if former is None else {outcome.unit_id, former.unit_id}
