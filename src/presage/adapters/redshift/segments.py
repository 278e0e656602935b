"""The SQL of statistics by segments of units: pure text in what Redshift and PostgreSQL have in common.

A unit's group follows from its own first exposure and records, at each look anew: no table of groups has to be kept in step with what is
loaded late, twice or in another order. A look joins the units' rows with the records of the segment; the full computation joins the same
records with units from the assignments.
"""

from __future__ import annotations

from presage.adapters.redshift.statistics import CLOSED, build_full_relations
from presage.experiments.model import Metric, UnitSegment
from presage.experiments.segments import LONGEST_VALUE

MINE = "workspace_id = :workspace_id AND experiment_id = :experiment_id"

KEPT_RELATIONS = """\
units AS (
  SELECT unit_id, variant, first_exposed_at FROM unit_exposures
  WHERE {mine} AND {closed}
), valued AS (
  SELECT unit_id, first_value, second_value FROM unit_values
  WHERE {mine} AND metric = :metric
)"""

STATISTICS = """\
WITH {relations}, known AS (
  SELECT units.unit_id, outcomes.item,
    ROW_NUMBER() OVER (
      PARTITION BY units.unit_id
      ORDER BY outcomes.event_timestamp DESC, outcomes.known_timestamp DESC, outcomes.record_id DESC
    ) AS place
  FROM outcomes
  JOIN units ON units.unit_id = outcomes.unit_id
  WHERE {mine} AND outcomes.metric = :segment AND outcomes.event_timestamp <= units.first_exposed_at
), placed AS (
  SELECT units.unit_id, units.variant, LEFT(known.item, {longest}) AS item
  FROM units
  LEFT JOIN known ON known.unit_id = units.unit_id AND known.place = 1
), sizes AS (
  SELECT item, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, item) AS place
  FROM placed
  WHERE item IS NOT NULL
  GROUP BY item
), done AS (
  SELECT placed.variant,
    CASE WHEN placed.item IS NULL THEN 'none' WHEN sizes.place <= {most} THEN 'value' ELSE 'other' END AS kind,
    CASE WHEN sizes.place <= {most} THEN placed.item ELSE '' END AS item,
    COALESCE(valued.first_value, 0) AS first_value,
    COALESCE(valued.second_value, 0) AS second_value
  FROM placed
  LEFT JOIN sizes ON sizes.item = placed.item
  LEFT JOIN valued ON valued.unit_id = placed.unit_id
), means AS (
  SELECT kind, item, variant, COUNT(*) AS units, AVG(first_value) AS first_mean, AVG(second_value) AS second_mean
  FROM done
  GROUP BY kind, item, variant
)
SELECT means.kind, means.item, means.variant,
  CAST(means.units AS BIGINT),
  CAST(SUM(CASE WHEN done.first_value <> 0 THEN 1 ELSE 0 END) AS BIGINT),
  means.first_mean,
  SUM((done.first_value - means.first_mean) * (done.first_value - means.first_mean)),
  means.second_mean,
  SUM((done.second_value - means.second_mean) * (done.second_value - means.second_mean)),
  SUM((done.first_value - means.first_mean) * (done.second_value - means.second_mean))
FROM means
JOIN done ON done.kind = means.kind AND done.item = means.item AND done.variant = means.variant
GROUP BY means.kind, means.item, means.variant, means.units, means.first_mean, means.second_mean
ORDER BY means.kind, means.item, means.variant"""
"""A value is chosen as the feature function `latest` does: of the newest event, and of those of one time the one known last."""


def build_segment_statistics(metric: Metric, segment: UnitSegment) -> str:
    """Return the query that computes a metric's statistics in each group of a segment from units' rows and the segment's records."""
    closed = CLOSED.format(closes=int(metric.window_hours))
    return _build(segment, KEPT_RELATIONS.format(mine=MINE, closed=closed))


def build_full_segment_statistics(metric: Metric, segment: UnitSegment) -> str:
    """Return the query that computes the same from all assignments and outcomes."""
    return _build(segment, build_full_relations(metric))


def _build(segment: UnitSegment, relations: str) -> str:
    return STATISTICS.format(relations=relations, mine=MINE, longest=LONGEST_VALUE, most=int(segment.most_values))
