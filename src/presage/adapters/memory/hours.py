"""Moments by hour of first exposure, kept and merged: what `presage.adapters.redshift.hours` says in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from math import fsum

from presage.adapters.memory.unit_rows import Unit, Values
from presage.experiments.model import BINARY_KINDS, Metric, ValueMoments, Variant, VariantStatistics
from presage.stats.moments import Moments, PairMoments, merge_pair_moments

HOUR = timedelta(hours=1)
UnitValues = Mapping[tuple[str, str], Values]
"""By metric and unit."""


@dataclass(frozen=True, slots=True)
class Group:
    """Units' moments of a metric, and how many of them have a value other than 0."""

    conversions: int
    moments: PairMoments[float]


HourMoments = dict[tuple[str, datetime], dict[int, dict[Variant, Group]]]
"""By metric and hour, whose windows are closed, and by version of the weights: the steady units, which met one variant only."""


def find_hour(moment: datetime) -> datetime:
    """Return the whole hour that the moment lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def forget_changed_hours(
    hours: HourMoments, former: Mapping[str, Unit], units: Mapping[str, Unit], changed: Iterable[tuple[str, str]]
) -> None:
    """Drop the hours of units that met something else than before and, by metric, of those that did something else."""
    for _, unit in former.items() ^ units.items():
        for key in [key for key in hours if key[1] == find_hour(unit.first_exposed_at)]:
            del hours[key]
    for metric, unit_id in changed:
        for known in (former, units):
            if unit_id in known:
                hours.pop((metric, find_hour(known[unit_id].first_exposed_at)), None)


def keep_closed_hours(hours: HourMoments, metric: Metric, units: Mapping[str, Unit], values: UnitValues, *, as_of: datetime) -> None:
    """Add the hours whose units' windows are all closed at `as_of`, and that are not kept."""
    missing: dict[datetime, dict[str, Unit]] = {}
    for unit_id, unit in units.items():
        hour = find_hour(unit.first_exposed_at)
        if unit.crossed_at is None and _is_closed(metric, hour, as_of) and (metric.name, hour) not in hours:
            missing.setdefault(hour, {})[unit_id] = unit
    for hour, found in missing.items():
        versions = {unit.allocation_version for unit in found.values()}
        hours[metric.name, hour] = {version: dict(_group(metric, choose_units(found, version), values)) for version in versions}


def choose_units(units: Mapping[str, Unit], allocation_version: int) -> dict[str, Unit]:
    """Return the units that this version of the weights met, and no earlier one."""
    return {unit_id: unit for unit_id, unit in units.items() if unit.allocation_version == allocation_version}


def merge_hours(
    hours: HourMoments, metric: Metric, units: Mapping[str, Unit], values: UnitValues, *, as_of: datetime, allocation_version: int
) -> dict[Variant, Group]:
    """Return every variant's groups of a version: the hours that are kept and closed, and the rows of all other units that count."""
    kept = {hour: found for (name, hour), found in hours.items() if name == metric.name and _is_closed(metric, hour, as_of)}
    rest = {}
    for unit_id, unit in choose_units(units, allocation_version).items():
        is_kept = unit.crossed_at is None and find_hour(unit.first_exposed_at) in kept
        if not is_kept and counts_at(metric, unit, as_of):
            rest[unit_id] = unit
    groups: list[tuple[Variant, Group]] = [pair for found in kept.values() for pair in found.get(allocation_version, {}).items()]
    groups += _group(metric, rest, values)
    return {name: reduce(_merge, (group for variant, group in groups if variant == name)) for name, _ in groups}


def group_units(metric: Metric, units: Mapping[str, Unit], values: UnitValues, *, as_of: datetime) -> dict[Variant, Group]:
    """Return every variant's groups of all units that count at `as_of`, at once."""
    return dict(_group(metric, {unit_id: unit for unit_id, unit in units.items() if counts_at(metric, unit, as_of)}, values))


def counts_at(metric: Metric, unit: Unit, as_of: datetime) -> bool:
    """Return whether the unit's window is closed and it has met one variant only."""
    crossed = unit.crossed_at is not None and unit.crossed_at <= as_of
    return not crossed and unit.first_exposed_at + timedelta(hours=metric.window_hours) <= as_of


def build_statistics(metric: Metric, group: Group | None) -> VariantStatistics:
    """Return what a group says of a variant, for the metric's kind."""
    found = group or _summarise([])
    first, second = found.moments.first, found.moments.second
    moments = ValueMoments(first.mean, first.squares, second.mean, second.squares, found.moments.products)
    return VariantStatistics(int(first.units), found.conversions, None if metric.kind in BINARY_KINDS else moments)


def _is_closed(metric: Metric, hour: datetime, as_of: datetime) -> bool:
    return hour + HOUR + timedelta(hours=metric.window_hours) <= as_of


def _group(metric: Metric, units: Mapping[str, Unit], values: UnitValues) -> Iterator[tuple[Variant, Group]]:
    found: dict[Variant, list[Values]] = {}
    for unit_id, unit in units.items():
        found.setdefault(unit.variant, []).append(values.get((metric.name, unit_id), (0.0, 0.0)))
    for variant, of_units in found.items():
        yield variant, _summarise(of_units)


def _summarise(values: Sequence[Values]) -> Group:
    units = float(len(values))
    (mean, ones), (second_mean, others) = (_center([value[place] for value in values]) for place in (0, 1))
    first, second = Moments(units, mean, _multiply(ones, ones)), Moments(units, second_mean, _multiply(others, others))
    return Group(sum(first != 0.0 for first, _ in values), PairMoments(first, second, _multiply(ones, others)))


def _merge(one: Group, other: Group) -> Group:
    return Group(one.conversions + other.conversions, merge_pair_moments(one.moments, other.moments))


def _multiply(left: Sequence[float], right: Sequence[float]) -> float:
    return fsum(one * other for one, other in zip(left, right, strict=True))


def _center(values: Sequence[float]) -> tuple[float, list[float]]:
    mean = fsum(values) / max(1, len(values))
    return mean, [value - mean for value in values]
