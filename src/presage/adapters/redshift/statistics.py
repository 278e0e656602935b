"""The SQL of sufficient statistics from all assignments and outcomes: pure text in what Redshift and PostgreSQL have in common.

What a unit did depends on its records alone, not on when it is looked at: `unit_rows` keeps it, measured by the same text.

Squared deviations are summed around the mean that the same statement computed before (two passes): sums of squares of large values
would lose the digits that a variance consists of. Units without a record have the value 0 and no row: they add mean x mean each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from presage.adapters.redshift.statements import quote
from presage.experiments.model import BINARY_KINDS, Metric, Source, list_sources

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")

EXPOSED = """\
SELECT unit_id, MIN(CASE WHEN place = 1 THEN variant END) AS variant, MIN(met_at) AS first_exposed_at,
  MIN(CASE WHEN place = 2 THEN met_at END) AS crossed_at, MIN(met_by) AS allocation_version
FROM (
  SELECT assignments.unit_id, assignments.variant, MIN(assignments.exposed_at) AS met_at, MIN(assignments.allocation_version) AS met_by,
    ROW_NUMBER() OVER (PARTITION BY assignments.unit_id ORDER BY MIN(assignments.exposed_at), assignments.variant) AS place
  FROM assignments{joined}
  WHERE assignments.workspace_id = {workspace} AND assignments.experiment_id = {experiment}
  GROUP BY assignments.unit_id, assignments.variant
) AS met
GROUP BY unit_id"""

RECORDS = """\
SELECT unit_id, event_timestamp, item, value, CASE WHEN metric = {metric} THEN 1 ELSE 0 END AS is_own
FROM outcomes
WHERE workspace_id = {workspace} AND experiment_id = {experiment} AND {sources}{bounds}"""

MEASURED = """\
SELECT units.unit_id, MIN(units.variant) AS variant, MIN(units.first_exposed_at) AS first_exposed_at, MIN(units.crossed_at) AS crossed_at,
  MIN(units.allocation_version) AS allocation_version, {first} AS first_value, {second} AS second_value
FROM {units} AS units
JOIN {records} AS records ON records.unit_id = units.unit_id{shown}
WHERE records.event_timestamp > DATEADD(hour, {opens}, units.first_exposed_at)
  AND records.event_timestamp <= DATEADD(hour, {closes}, units.first_exposed_at)
GROUP BY units.unit_id"""

SHOWN_BEFORE = """
JOIN shown_items ON shown_items.unit_id = units.unit_id AND shown_items.item = records.item
  AND shown_items.workspace_id = {workspace} AND shown_items.experiment_id = {experiment}
  AND shown_items.exposed_at < records.event_timestamp"""

CLOSED = """\
(crossed_at IS NULL OR crossed_at > CAST(:as_of AS TIMESTAMP))
    AND first_exposed_at <= DATEADD(hour, -{closes}, CAST(:as_of AS TIMESTAMP))
    AND allocation_version = CAST(:allocation_version AS INTEGER)"""

SUM_MOMENTS = """\
  means.first_mean,
  COALESCE(SUM((valued.first_value - means.first_mean) * (valued.first_value - means.first_mean)), 0)
    + (means.units - means.valued) * means.first_mean * means.first_mean,
  means.second_mean,
  COALESCE(SUM((valued.second_value - means.second_mean) * (valued.second_value - means.second_mean)), 0)
    + (means.units - means.valued) * means.second_mean * means.second_mean,
  COALESCE(SUM((valued.first_value - means.first_mean) * (valued.second_value - means.second_mean)), 0)
    + (means.units - means.valued) * means.first_mean * means.second_mean"""
"""Both means, squared deviations and products of `means` joined with `valued`; units without a row have the value 0."""

STATISTICS = """\
WITH {relations}, counts AS (
  SELECT variant, COUNT(*) AS units FROM units GROUP BY variant
), means AS (
  SELECT counts.variant, counts.units, COUNT(valued.variant) AS valued,
    COALESCE(SUM(valued.first_value), 0) / counts.units AS first_mean,
    COALESCE(SUM(valued.second_value), 0) / counts.units AS second_mean
  FROM counts
  LEFT JOIN valued ON valued.variant = counts.variant
  GROUP BY counts.variant, counts.units
)
SELECT means.variant,
  CAST(means.units AS BIGINT),
  CAST(SUM(CASE WHEN valued.first_value <> 0 THEN 1 ELSE 0 END) AS BIGINT),
{sums}
FROM means
LEFT JOIN valued ON valued.variant = means.variant
GROUP BY means.variant, means.units, means.valued, means.first_mean, means.second_mean
ORDER BY means.variant"""

FULL_RELATIONS = """\
records AS (
{records}
), exposed AS (
{exposed}
), units AS (
  SELECT unit_id, variant, first_exposed_at, crossed_at, allocation_version FROM exposed
  WHERE {closed}
), valued AS (
{measured}
)"""


@dataclass(frozen=True, slots=True)
class Scope:
    """How a statement names what it is about, each as an SQL expression.

    `units` is the relation whose units are measured, `both` the condition that a record is one of either of a ratio's sources.
    """

    workspace: str
    experiment: str
    metric: str
    units: str
    both: str


ASKED = Scope(":workspace_id", ":experiment_id", ":metric", "units", "(metric = :metric OR metric = :denominator)")


def build_full_statistics(metric: Metric) -> str:
    """Return the query that computes a metric's statistics from all assignments and outcomes.

    It names outcomes first, as the transactions that lock several tables do.
    """
    return STATISTICS.format(relations=build_full_relations(metric), sums=SUM_MOMENTS)


def build_full_relations(metric: Metric) -> str:
    """Return the relations `units`, those that count, and `valued`, what they did, from all assignments and outcomes."""
    return FULL_RELATIONS.format(
        records=build_records(metric, ASKED, bounds=""),
        exposed=EXPOSED.format(joined="", workspace=ASKED.workspace, experiment=ASKED.experiment),
        closed=CLOSED.format(closes=int(metric.window_hours)),
        measured=build_measured(metric, ASKED, "records"),
    )


def build_records(metric: Metric, scope: Scope, *, bounds: str) -> str:
    """Return the query for the records that a metric reads; `bounds` limits it further, with {units} and {opens}."""
    sources = f"metric = {scope.metric}"
    if metric.denominator:
        sources = scope.both
    elif metric.kind == "mean":
        sources += " AND value IS NOT NULL"
    limits = bounds.format(units=scope.units, opens=_find_opening(metric))
    return RECORDS.format(workspace=scope.workspace, experiment=scope.experiment, metric=scope.metric, sources=sources, bounds=limits)


def build_measured(metric: Metric, scope: Scope, records: str) -> str:
    """Return the query for both values of each unit of `scope.units` that has one of the `records` in its window."""
    first, second = _build_values(metric)
    shown = SHOWN_BEFORE.format(workspace=scope.workspace, experiment=scope.experiment) if metric.kind == "hit" else ""
    hours = {"opens": _find_opening(metric), "closes": int(metric.window_hours)}
    return MEASURED.format(first=first, second=second, units=scope.units, records=records, shown=shown, **hours)


def _find_opening(metric: Metric) -> int:
    """Return the hours from the first exposure to where the unit's records begin: below 0 for a covariate."""
    return int(metric.start_hours) - int(metric.covariate_hours)


def _build_values(metric: Metric) -> tuple[str, str]:
    """Return the expressions of a unit's two values, over its records from the covariate's start to the window's end."""
    if metric.kind in BINARY_KINDS:
        return _cast("1"), _cast("0")
    if metric.kind == "mean":
        return _cap("AVG(records.value)", metric.cap), _cast("1")
    own, *others = list_sources(metric)
    if others:
        return _sum(own, "records.is_own = 1"), _sum(others[0], "records.is_own = 0")
    inside = _cap(_sum(own, "records.event_timestamp > units.first_exposed_at"), metric.cap)
    if not metric.covariate_hours:
        return inside, _cast("0")
    return inside, _cap(_sum(own, "records.event_timestamp <= units.first_exposed_at"), metric.cap)


def _sum(source: Source, condition: str) -> str:
    """Return the sum of the source's values, or the number of its records, of those records that meet the condition."""
    added = "COALESCE(records.value, 0)" if source.value_column else "1"
    return _cast(f"SUM(CASE WHEN {condition} THEN {added} ELSE 0 END)")


def _cap(expression: str, cap: float | None) -> str:
    return expression if cap is None else f"LEAST({expression}, {_cast(repr(float(cap)))})"


def _cast(expression: str) -> str:
    return f"CAST({expression} AS DOUBLE PRECISION)"


def quote_identifier(identifier: str) -> str:
    """Return an id of ours as a literal.

    Raises:
        ValueError: It is none of ours.
    """
    if not IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"not an identifier: {identifier!r}")
    return quote(identifier)
