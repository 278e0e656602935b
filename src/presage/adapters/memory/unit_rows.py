"""What units met and did, by plain loops: what `presage.adapters.redshift.unit_rows` says in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum
from statistics import fmean

from presage.experiments.model import BINARY_KINDS, Assignment, Metric, Source, Variant, list_sources


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record of the dataset that `source` reads."""

    source: str
    unit_id: str
    event_timestamp: datetime
    known_timestamp: datetime
    item: str | None
    value: float | None


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit met: its variant, when first, when it met the other one, and the earliest version of the weights that drew it."""

    variant: Variant
    first_exposed_at: datetime
    crossed_at: datetime | None
    allocation_version: int


Values = tuple[float, float]
"""A unit's two values of a metric."""


def compute_units(
    assignments: Iterable[Assignment], outcomes: Iterable[Outcome], metrics: Sequence[Metric], wanted: set[str] | None
) -> tuple[dict[str, Unit], dict[tuple[str, str], Values]]:
    """Return what the wanted units (None: all) met and, by metric, what they did."""
    exposures: dict[str, list[Assignment]] = {}
    for found in assignments:
        if wanted is None or found.unit_id in wanted:
            exposures.setdefault(found.unit_id, []).append(found)
    records: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.unit_id in exposures:
            records.setdefault((outcome.source, outcome.unit_id), []).append(outcome)
    units = {unit_id: _build_unit(met) for unit_id, met in exposures.items()}
    values = {}
    for metric in metrics:
        for unit_id, unit in units.items():
            mine = [outcome for source in list_sources(metric) for outcome in records.get((source.key, unit_id), [])]
            measured = _measure(metric, unit, [one for one in mine if _counts(metric, unit, one, exposures[unit_id])])
            if measured is not None:
                values[metric.name, unit_id] = measured
    return units, values


def _build_unit(exposures: Sequence[Assignment]) -> Unit:
    firsts: dict[Variant, datetime] = {}
    for found in exposures:
        firsts[found.variant] = min(found.exposed_at, firsts.get(found.variant, found.exposed_at))
    (first_exposed_at, variant), *others = sorted((met_at, variant) for variant, met_at in firsts.items())
    version = min(found.allocation_version for found in exposures)
    return Unit(variant, first_exposed_at, others[0][0] if others else None, version)


def _counts(metric: Metric, unit: Unit, outcome: Outcome, exposures: Sequence[Assignment]) -> bool:
    """Return whether the outcome is read: in the unit's window (or the covariate's), and for a hit shown to the unit before."""
    opens = unit.first_exposed_at + timedelta(hours=metric.start_hours - metric.covariate_hours)
    if not opens < outcome.event_timestamp <= unit.first_exposed_at + timedelta(hours=metric.window_hours):
        return False
    if metric.kind != "hit":
        return True
    return any(outcome.item in shown.shown for shown in exposures if shown.exposed_at < outcome.event_timestamp)


def _measure(metric: Metric, unit: Unit, outcomes: Sequence[Outcome]) -> Values | None:
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


def _add(source: Source, outcomes: Iterable[Outcome]) -> float:
    return fsum((outcome.value or 0.0) if source.value_column else 1.0 for outcome in outcomes)


def _cap(value: float, metric: Metric) -> float:
    return value if metric.cap is None else min(value, metric.cap)
