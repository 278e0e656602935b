"""The SQL that computes touched units' rows anew: pure text in what Redshift and PostgreSQL have in common.

Of an hour it notes what changed: the exposures that are counted in it, and the moments that were kept of it. A row that is computed
again and comes out the same changes nothing, so that a record long after its unit's window costs its unit's row and no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from presage.adapters.redshift.statements import quote
from presage.adapters.redshift.statistics import EXPOSED, Scope, build_measured, build_records, quote_identifier
from presage.experiments.model import Experiment, Metric

PENDING = """\
SELECT CAST(COUNT(DISTINCT unit_id) AS BIGINT) FROM touched_units
WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id"""

BOUNDS = """
  AND event_timestamp > (SELECT DATEADD(hour, {opens}, MIN(first_exposed_at)) FROM {units})"""
"""True of every record of these units that counts. Said of outcomes alone, it lets their sort key pass over what lies before.

A latest time is not worth saying: of an hour's news some are always units that were exposed in it, whose windows end after it.
"""

CHOOSE_FRESH_UNITS = "CREATE TEMP TABLE fresh_units AS SELECT DISTINCT unit_id FROM touched_units WHERE {mine}"
FORGET_TOUCHED = "DELETE FROM touched_units WHERE {mine}"
FORGET_EXPOSURES = "DELETE FROM unit_exposures USING fresh_units WHERE {mine} AND unit_exposures.unit_id = fresh_units.unit_id"
FORGET_VALUES = "DELETE FROM unit_values USING fresh_units WHERE {mine} AND unit_values.unit_id = fresh_units.unit_id"

ROWS = """\
SELECT CAST('' AS VARCHAR(512)) AS metric, unit_exposures.unit_id, variant, exposed_hour, first_exposed_at, crossed_at,
  allocation_version, CAST(0 AS DOUBLE PRECISION) AS first_value, CAST(0 AS DOUBLE PRECISION) AS second_value
FROM unit_exposures
JOIN fresh_units ON fresh_units.unit_id = unit_exposures.unit_id
WHERE {mine}
UNION ALL
SELECT metric, unit_values.unit_id, variant, exposed_hour, first_exposed_at, crossed_at, allocation_version, first_value, second_value
FROM unit_values
JOIN fresh_units ON fresh_units.unit_id = unit_values.unit_id
WHERE {mine}"""
"""Both kinds of rows of the fresh units; an exposure is one of no metric."""

CHOOSE_CHANGES = """\
CREATE TEMP TABLE changes AS
SELECT metric, exposed_hour, crossed_at FROM (
  SELECT * FROM former_rows
  UNION ALL
{rows}
) AS both_rows
GROUP BY metric, unit_id, variant, exposed_hour, first_exposed_at, crossed_at, allocation_version, first_value, second_value
HAVING COUNT(*) = 1"""
"""A row that was there before and is there now comes twice."""

FORGET_MOMENTS = """\
DELETE FROM hour_moments USING changes
WHERE {mine} AND hour_moments.exposed_hour = changes.exposed_hour AND (changes.metric = hour_moments.metric OR changes.metric = '')"""

CHOOSE_FRESH_HOURS = """\
CREATE TEMP TABLE fresh_hours AS
SELECT CAST('assignments' AS VARCHAR(16)) AS counted, exposed_hour FROM touched_units WHERE {mine} AND exposed_hour IS NOT NULL
UNION
SELECT CAST('units' AS VARCHAR(16)), exposed_hour FROM changes WHERE metric = ''
UNION
SELECT CAST('crossovers' AS VARCHAR(16)), DATE_TRUNC('hour', crossed_at) FROM changes WHERE metric = '' AND crossed_at IS NOT NULL"""
"""A unit that crosses over changes the hour of its first exposure, of which no assignment has to be counted again."""

FORGET_HOURS = """\
DELETE FROM hour_exposures USING fresh_hours
WHERE {mine} AND hour_exposures.exposed_hour = fresh_hours.exposed_hour AND hour_exposures.counted = fresh_hours.counted"""

KEEP_HOURS = """\
INSERT INTO hour_exposures (
  workspace_id, experiment_id, exposed_hour, counted, exposures, units, steady_units, crossovers, first_exposed_at
)
SELECT {workspace}, {experiment}, exposed_hour, counted,
  SUM(exposures), SUM(units), SUM(steady_units), SUM(crossovers), MIN(first_exposed_at)
FROM (
  SELECT fresh_hours.exposed_hour, counted, 1 AS exposures, 0 AS units, 0 AS steady_units, 0 AS crossovers,
    CAST(NULL AS TIMESTAMP) AS first_exposed_at
  FROM fresh_hours
  JOIN assignments ON assignments.exposed_at >= fresh_hours.exposed_hour
    AND assignments.exposed_at < DATEADD(hour, 1, fresh_hours.exposed_hour)
    AND DATE_TRUNC('hour', assignments.exposed_at) = fresh_hours.exposed_hour
  WHERE {mine} AND counted = 'assignments'
  UNION ALL
  SELECT fresh_hours.exposed_hour, counted, 0, 1, CASE WHEN crossed_at IS NULL THEN 1 ELSE 0 END, 0, first_exposed_at
  FROM fresh_hours
  JOIN unit_exposures ON unit_exposures.exposed_hour = fresh_hours.exposed_hour
  WHERE {mine} AND counted = 'units'
  UNION ALL
  SELECT fresh_hours.exposed_hour, counted, 0, 0, 0, 1, CAST(NULL AS TIMESTAMP)
  FROM fresh_hours
  JOIN unit_exposures ON unit_exposures.crossed_at >= fresh_hours.exposed_hour
    AND unit_exposures.crossed_at < DATEADD(hour, 1, fresh_hours.exposed_hour)
    AND DATE_TRUNC('hour', unit_exposures.crossed_at) = fresh_hours.exposed_hour
  WHERE {mine} AND counted = 'crossovers'
) AS happened
GROUP BY exposed_hour, counted"""
"""The time is said as a range and as an hour: the first is for an index or a sort key, the second for a join by hash."""

KEEP_EXPOSURES = """\
INSERT INTO unit_exposures (
  workspace_id, experiment_id, unit_id, variant, exposed_hour, first_exposed_at, crossed_at, allocation_version
)
SELECT {workspace}, {experiment}, unit_id, variant, DATE_TRUNC('hour', first_exposed_at), first_exposed_at, crossed_at, allocation_version
FROM fresh_exposures"""

KEEP_VALUES = """\
INSERT INTO unit_values (
  workspace_id, experiment_id, metric, unit_id, variant, exposed_hour, first_exposed_at, crossed_at, allocation_version, first_value,
  second_value
)
SELECT {workspace}, {experiment}, {metric}, unit_id, variant, DATE_TRUNC('hour', first_exposed_at), first_exposed_at, crossed_at,
  allocation_version, first_value, second_value
FROM (
{measured}
) AS measured"""

METRIC_KEY = "(SELECT metric FROM stage_keys WHERE place = {place})"
DENOMINATOR_KEY = "(SELECT denominator FROM stage_keys WHERE place = {place})"


def build_update(metrics: Sequence[Metric], *, experiment: Experiment, keys_uri: str, role_arn: str) -> list[str]:
    """Return the statements of one transaction that computes the touched units' rows of an experiment anew.

    Tables are locked in the order in which loads lock them. `keys_uri` has a row (place, metric, denominator) for each metric: names
    that users chose stand in no statement's text.
    """
    workspace, identifier = quote_identifier(experiment.workspace_id), quote_identifier(experiment.experiment_id)
    mine = f"workspace_id = {workspace} AND experiment_id = {identifier}"
    fresh = "JOIN fresh_units ON fresh_units.unit_id = assignments.unit_id"
    exposed = EXPOSED.format(joined=f"\n  {fresh}", workspace=workspace, experiment=identifier)
    rows = ROWS.format(mine=mine)
    return [
        "LOCK outcomes, assignments, shown_items, touched_units, unit_exposures, unit_values, hour_exposures, hour_moments",
        "CREATE TEMP TABLE stage_keys (place INTEGER, metric VARCHAR(512), denominator VARCHAR(512))",
        f"COPY stage_keys FROM {quote(keys_uri)} IAM_ROLE {quote(role_arn)} FORMAT AS JSON 'auto' TIMEFORMAT 'auto'",
        CHOOSE_FRESH_UNITS.format(mine=mine),
        f"CREATE TEMP TABLE former_rows AS\n{rows}",
        *(text.format(mine=mine) for text in (FORGET_EXPOSURES, FORGET_VALUES)),
        f"CREATE TEMP TABLE fresh_exposures AS\n{exposed}",
        KEEP_EXPOSURES.format(workspace=workspace, experiment=identifier),
        *(_build_value_insert(metric, place, workspace, identifier) for place, metric in enumerate(metrics)),
        CHOOSE_CHANGES.format(rows=rows),
        *(text.format(mine=mine) for text in (FORGET_MOMENTS, CHOOSE_FRESH_HOURS, FORGET_TOUCHED, FORGET_HOURS)),
        KEEP_HOURS.format(workspace=workspace, experiment=identifier, mine=mine),
    ]


def _build_value_insert(metric: Metric, place: int, workspace: str, experiment: str) -> str:
    own, denominator = METRIC_KEY.format(place=place), DENOMINATOR_KEY.format(place=place)
    scope = Scope(workspace, experiment, own, "fresh_exposures", f"metric IN ({own}, {denominator})")
    measured = build_measured(metric, scope, f"(\n{build_records(metric, scope, bounds=BOUNDS)}\n)")
    return KEEP_VALUES.format(workspace=workspace, experiment=experiment, metric=scope.metric, measured=measured)
