"""Units by segments, by plain loops: what `presage.adapters.redshift.segments` says in SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from presage.adapters.memory.hours import UnitValues, build_statistics, counts_at, group_units
from presage.adapters.memory.unit_rows import Outcome, Unit
from presage.experiments.model import CONTROL, ExperimentPlan, UnitSegment, list_arms
from presage.experiments.segments import LONGEST_VALUE, GroupKind, SegmentGroup, build_segment_source, order_groups

Label = tuple[GroupKind, str | None]


def count_groups(
    plan: ExperimentPlan,
    segment: UnitSegment,
    units: Mapping[str, Unit],
    values: UnitValues,
    *,
    known: Mapping[str, str | None],
    as_of: datetime,
) -> tuple[SegmentGroup, ...]:
    """Return the primary metric's statistics in each group of the units that count at `as_of`; `known` is each unit's value."""
    metric, names = plan.primary, (CONTROL, *(arm.name for arm in list_arms(plan)))
    counted = {unit_id: unit for unit_id, unit in units.items() if counts_at(metric, unit, as_of)}
    sizes = Counter(value for unit_id in counted if (value := known.get(unit_id)) is not None)
    kept = set(sorted(sizes, key=lambda value: (-sizes[value], value))[: segment.most_values])
    by_label: dict[Label, dict[str, Unit]] = {}
    for unit_id, unit in counted.items():
        by_label.setdefault(_label(known.get(unit_id), kept), {})[unit_id] = unit
    groups = []
    for (kind, value), members in by_label.items():
        variants = group_units(metric, members, values, as_of=as_of)
        control, *arms = (build_statistics(metric, variants.get(name)) for name in names)
        groups.append(SegmentGroup(kind, value, control, tuple(arms)))
    return order_groups(groups)


def choose_values(segment: UnitSegment, units: Mapping[str, Unit], outcomes: Mapping[tuple[str, str], Outcome]) -> dict[str, str | None]:
    """Return each unit's value of its newest record up to its first exposure; `outcomes` are by source and record."""
    newest: dict[str, tuple[datetime, datetime, str]] = {}
    values: dict[str, str | None] = {}
    for (source, record_id), outcome in outcomes.items():
        unit, rank = units.get(outcome.unit_id), (outcome.event_timestamp, outcome.known_timestamp, record_id)
        if source != build_segment_source(segment).key or unit is None or outcome.event_timestamp > unit.first_exposed_at:
            continue
        if outcome.unit_id not in newest or rank > newest[outcome.unit_id]:
            newest[outcome.unit_id] = rank
            values[outcome.unit_id] = None if outcome.item is None else outcome.item[:LONGEST_VALUE]
    return values


def _label(value: str | None, kept: set[str]) -> Label:
    if value is None:
        return "none", None
    return ("value", value) if value in kept else ("other", None)
