"""The SQL of what looks read: moments and exposures kept by hour, pure text in what Redshift and PostgreSQL have in common.

A unit belongs to the hour of its first exposure. The moments of an hour are kept once the windows of all its units are closed: of its
steady units, those that met one variant only, which count at every look from then on, apart by the earliest version of the weights that
met them. An hour of which a unit's row changed is forgotten as a whole and computed from the rows again, so nothing is ever subtracted.
A look merges the hours that are kept, and reads units' rows of hours that are not: of the one that it cuts, and of any that changed
since. Units that met a second variant are in no hour: a look of the time before they did reads their rows.

References:
    Chan, Golub & LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979): deviations around the mean
    of all are those around an hour's own, and units x (the hour's mean - the mean of all) squared.
"""

from __future__ import annotations

from presage.adapters.redshift.statements import quote
from presage.adapters.redshift.statistics import SUM_MOMENTS, quote_identifier
from presage.experiments.model import Experiment, Metric

MINE = "workspace_id = :workspace_id AND experiment_id = :experiment_id"
MOMENTS = "units, conversions, first_mean, first_squares, second_mean, second_squares, products"

EXPOSURES = """\
SELECT CAST(COALESCE(SUM(exposures), 0) AS BIGINT), CAST(COALESCE(SUM(units), 0) AS BIGINT), CAST(COALESCE(SUM(crossovers), 0) AS BIGINT),
  CAST(MIN(first_exposed_at) AS VARCHAR(32))
FROM (
  SELECT exposures, units, crossovers, first_exposed_at FROM hour_exposures
  WHERE {mine} AND exposed_hour < DATE_TRUNC('hour', CAST(:as_of AS TIMESTAMP))
  UNION ALL
  SELECT 1, 0, 0, CAST(NULL AS TIMESTAMP) FROM assignments
  WHERE {mine} AND loaded_at <= CAST(:loaded_until AS TIMESTAMP)
    AND exposed_at >= DATE_TRUNC('hour', CAST(:as_of AS TIMESTAMP)) AND exposed_at <= CAST(:as_of AS TIMESTAMP)
  UNION ALL
  SELECT 0, 1, 0, first_exposed_at FROM unit_exposures
  WHERE {mine} AND exposed_hour = DATE_TRUNC('hour', CAST(:as_of AS TIMESTAMP)) AND first_exposed_at <= CAST(:as_of AS TIMESTAMP)
  UNION ALL
  SELECT 0, 0, 1, CAST(NULL AS TIMESTAMP) FROM unit_exposures
  WHERE {mine} AND crossed_at >= DATE_TRUNC('hour', CAST(:as_of AS TIMESTAMP)) AND crossed_at <= CAST(:as_of AS TIMESTAMP)
) AS happened"""
"""Whole hours as they are kept, and the rows of the one that `as_of` cuts."""

STATISTICS = """\
WITH sealed AS (
  SELECT exposed_hour, allocation_version, variant, {moments} FROM hour_moments
  WHERE {mine} AND metric = :metric AND exposed_hour <= DATEADD(hour, -{sealed}, CAST(:as_of AS TIMESTAMP))
), kept AS (
  SELECT variant, {moments} FROM sealed WHERE {met}
), missing AS (
  SELECT exposed_hour FROM hour_exposures
  WHERE {mine} AND steady_units > 0 AND exposed_hour <= DATEADD(hour, -{closes}, CAST(:as_of AS TIMESTAMP))
  EXCEPT
  SELECT exposed_hour FROM sealed
), counts AS (
  SELECT variant, SUM(units) AS units FROM (
    SELECT variant, units FROM kept
    UNION ALL SELECT variant, 1 FROM unit_exposures WHERE {mine} AND {steady}
    UNION ALL SELECT variant, 1 FROM unit_exposures WHERE {mine} AND {crossed_later}
  ) AS counted
  GROUP BY variant
), valued AS (
  SELECT variant, {moments} FROM kept
  UNION ALL SELECT variant, {row} FROM unit_values WHERE {mine} AND metric = :metric AND {steady}
  UNION ALL SELECT variant, {row} FROM unit_values WHERE {mine} AND metric = :metric AND {crossed_later}
), means AS (
  SELECT counts.variant, counts.units, COALESCE(SUM(valued.units), 0) AS valued,
    COALESCE(SUM(valued.units * valued.first_mean), 0) / counts.units AS first_mean,
    COALESCE(SUM(valued.units * valued.second_mean), 0) / counts.units AS second_mean
  FROM counts
  LEFT JOIN valued ON valued.variant = counts.variant
  GROUP BY counts.variant, counts.units
)
SELECT means.variant,
  CAST(means.units AS BIGINT),
  CAST(COALESCE(SUM(valued.conversions), 0) AS BIGINT),
  means.first_mean,
  COALESCE(SUM(valued.first_squares
      + valued.units * (valued.first_mean - means.first_mean) * (valued.first_mean - means.first_mean)), 0)
    + (means.units - means.valued) * means.first_mean * means.first_mean,
  means.second_mean,
  COALESCE(SUM(valued.second_squares
      + valued.units * (valued.second_mean - means.second_mean) * (valued.second_mean - means.second_mean)), 0)
    + (means.units - means.valued) * means.second_mean * means.second_mean,
  COALESCE(SUM(valued.products
      + valued.units * (valued.first_mean - means.first_mean) * (valued.second_mean - means.second_mean)), 0)
    + (means.units - means.valued) * means.first_mean * means.second_mean
FROM means
LEFT JOIN valued ON valued.variant = means.variant
GROUP BY means.variant, means.units, means.valued, means.first_mean, means.second_mean
ORDER BY means.variant"""
"""An hour that is kept has a row of any version at least: whether it is missing does not depend on which one is asked for."""

ROW = "1, CASE WHEN first_value <> 0 THEN 1 ELSE 0 END, first_value, 0, second_value, 0, 0"
"""A unit is a group of one."""

MET = "allocation_version = CAST(:allocation_version AS INTEGER)"
CLOSED = """\
{met} AND exposed_hour <= DATEADD(hour, -{closes}, CAST(:as_of AS TIMESTAMP))
      AND first_exposed_at <= DATEADD(hour, -{closes}, CAST(:as_of AS TIMESTAMP))"""
STEADY = """\
crossed_at IS NULL AND exposed_hour >= (SELECT MIN(exposed_hour) FROM missing) AND exposed_hour IN (SELECT exposed_hour FROM missing)
      AND """
CROSSED_LATER = "crossed_at > CAST(:as_of AS TIMESTAMP) AND "

CHOOSE_OPEN_HOURS = """\
CREATE TEMP TABLE open_hours AS
SELECT stage_metrics.metric, hour_exposures.exposed_hour
FROM hour_exposures
CROSS JOIN stage_metrics
WHERE {mine} AND steady_units > 0 AND exposed_hour <= stage_metrics.closed_until
EXCEPT
SELECT metric, exposed_hour FROM hour_moments WHERE {mine}"""

KEEP_MOMENTS = """\
INSERT INTO hour_moments (workspace_id, experiment_id, metric, exposed_hour, allocation_version, variant, {moments})
WITH hours AS (
  SELECT DISTINCT exposed_hour FROM open_hours
), exposed AS (
  SELECT unit_exposures.exposed_hour, unit_exposures.allocation_version, unit_exposures.variant, COUNT(*) AS units
  FROM hours
  JOIN unit_exposures ON unit_exposures.exposed_hour = hours.exposed_hour
  WHERE {mine} AND crossed_at IS NULL
  GROUP BY unit_exposures.exposed_hour, unit_exposures.allocation_version, unit_exposures.variant
), valued AS (
  SELECT unit_values.metric, unit_values.exposed_hour, unit_values.allocation_version, unit_values.variant, first_value, second_value
  FROM open_hours
  JOIN unit_values ON unit_values.metric = open_hours.metric AND unit_values.exposed_hour = open_hours.exposed_hour
  WHERE {mine} AND crossed_at IS NULL
), means AS (
  SELECT open_hours.metric, exposed.exposed_hour, exposed.allocation_version, exposed.variant, exposed.units,
    COUNT(valued.variant) AS valued,
    COALESCE(SUM(valued.first_value), 0) / exposed.units AS first_mean,
    COALESCE(SUM(valued.second_value), 0) / exposed.units AS second_mean
  FROM open_hours
  JOIN exposed ON exposed.exposed_hour = open_hours.exposed_hour
  LEFT JOIN valued
    ON valued.metric = open_hours.metric AND valued.exposed_hour = exposed.exposed_hour
    AND valued.allocation_version = exposed.allocation_version AND valued.variant = exposed.variant
  GROUP BY open_hours.metric, exposed.exposed_hour, exposed.allocation_version, exposed.variant, exposed.units
)
SELECT {workspace}, {experiment}, means.metric, means.exposed_hour, means.allocation_version, means.variant, means.units,
  COALESCE(SUM(CASE WHEN valued.first_value <> 0 THEN 1 ELSE 0 END), 0),
{sums}
FROM means
LEFT JOIN valued
  ON valued.metric = means.metric AND valued.exposed_hour = means.exposed_hour
  AND valued.allocation_version = means.allocation_version AND valued.variant = means.variant
GROUP BY means.metric, means.exposed_hour, means.allocation_version, means.variant, means.units, means.valued, means.first_mean,
  means.second_mean"""


def build_exposures() -> str:
    """Return the query for rows, units, crossovers and the first exposure up to a time."""
    return EXPOSURES.format(mine=MINE)


def build_statistics(metric: Metric) -> str:
    """Return the query that merges a metric's statistics of a version from its hours, and from units' rows where hours are missing."""
    closes = int(metric.window_hours)
    closed = CLOSED.format(met=MET, closes=closes)
    units = {"steady": STEADY + closed, "crossed_later": CROSSED_LATER + closed, "row": ROW, "met": MET}
    return STATISTICS.format(**units, mine=MINE, moments=MOMENTS, closes=closes, sealed=closes + 1)


def build_sealing(experiment: Experiment, *, metrics_uri: str, role_arn: str) -> list[str]:
    """Return the statements of one transaction that keeps the moments of all hours that are closed and not kept.

    `metrics_uri` has a row (metric, closed_until) for each metric: the latest hour whose units' windows are closed. Loads lock none of
    these tables and go on meanwhile.
    """
    workspace, identifier = quote_identifier(experiment.workspace_id), quote_identifier(experiment.experiment_id)
    mine = f"workspace_id = {workspace} AND experiment_id = {identifier}"
    return [
        "LOCK unit_exposures, unit_values, hour_exposures, hour_moments",
        "CREATE TEMP TABLE stage_metrics (metric VARCHAR(512), closed_until TIMESTAMP)",
        f"COPY stage_metrics FROM {quote(metrics_uri)} IAM_ROLE {quote(role_arn)} FORMAT AS JSON 'auto' TIMEFORMAT 'auto'",
        CHOOSE_OPEN_HOURS.format(mine=mine),
        KEEP_MOMENTS.format(moments=MOMENTS, sums=SUM_MOMENTS, mine=mine, workspace=workspace, experiment=identifier),
    ]
