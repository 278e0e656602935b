"""The SQL of the warehouse: pure text. Analysis uses what Redshift and PostgreSQL have in common, loads are Redshift's own.

Values that callers bring never stand in the text: they are parameters, or rows of a staged file.
"""

from __future__ import annotations

from dataclasses import dataclass

from presage.experiments.model import Metric
from presage.features.dataset import Dataset

SQL_TYPES = {"number": "DOUBLE PRECISION", "string": "VARCHAR(65535)", "boolean": "BOOLEAN"}

LOADED_PARTS = """\
SELECT part_key FROM loaded_parts
WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND metric = :metric"""

FIRST_EXPOSURE = """\
SELECT CAST(MIN(exposed_at) AS VARCHAR(32)) FROM assignments
WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id"""

COUNT_ASSIGNMENTS = """\
WITH exposures AS (
  SELECT unit_id, COUNT(*) AS exposures, COUNT(DISTINCT variant) AS variants
  FROM assignments
  WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND exposed_at <= CAST(:as_of AS TIMESTAMP)
  GROUP BY unit_id
)
SELECT
  CAST(COALESCE(SUM(exposures), 0) AS BIGINT),
  CAST(COUNT(*) AS BIGINT),
  CAST(COALESCE(SUM(CASE WHEN variants > 1 THEN 1 ELSE 0 END), 0) AS BIGINT)
FROM exposures"""

VARIANT_COUNTS = """\
WITH exposures AS (
  SELECT unit_id, MIN(exposed_at) AS first_exposed_at, MIN(variant) AS variant, COUNT(DISTINCT variant) AS variants
  FROM assignments
  WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND exposed_at <= CAST(:as_of AS TIMESTAMP)
  GROUP BY unit_id
), units AS (
  SELECT unit_id, variant, first_exposed_at
  FROM exposures
  WHERE variants = 1 AND DATEADD(hour, {window_hours}, first_exposed_at) <= CAST(:as_of AS TIMESTAMP)
), converted AS (
  SELECT DISTINCT units.unit_id
  FROM units
  JOIN outcomes ON outcomes.unit_id = units.unit_id{shown}
  WHERE outcomes.workspace_id = :workspace_id AND outcomes.experiment_id = :experiment_id AND outcomes.metric = :metric
    AND outcomes.event_timestamp > units.first_exposed_at
    AND outcomes.event_timestamp <= DATEADD(hour, {window_hours}, units.first_exposed_at)
)
SELECT units.variant, CAST(COUNT(*) AS BIGINT), CAST(COUNT(converted.unit_id) AS BIGINT)
FROM units
LEFT JOIN converted ON converted.unit_id = units.unit_id
GROUP BY units.variant
ORDER BY units.variant"""

SHOWN_BEFORE = """
  JOIN shown_items ON shown_items.unit_id = units.unit_id AND shown_items.item = outcomes.item
    AND shown_items.workspace_id = outcomes.workspace_id AND shown_items.experiment_id = outcomes.experiment_id
    AND shown_items.exposed_at < outcomes.event_timestamp"""

CHOOSE_EARLIEST_KNOWN = """\
CREATE TEMP TABLE chosen_outcomes AS
SELECT keys.workspace_id, keys.experiment_id, keys.metric, ranked.record_id, ranked.entity_id AS unit_id,
  ranked.event_timestamp, ranked.known_timestamp, ranked.item
FROM (
  SELECT record_id, entity_id, event_timestamp, known_timestamp, {item} AS item,
    ROW_NUMBER() OVER (PARTITION BY record_id ORDER BY known_timestamp, event_timestamp) AS place
  FROM stage_records
) AS ranked
CROSS JOIN (SELECT DISTINCT workspace_id, experiment_id, metric FROM stage_parts) AS keys
WHERE ranked.place = 1"""

KEEP_EARLIER_OUTCOMES = """\
DELETE FROM chosen_outcomes USING outcomes
WHERE outcomes.workspace_id = chosen_outcomes.workspace_id AND outcomes.experiment_id = chosen_outcomes.experiment_id
  AND outcomes.metric = chosen_outcomes.metric AND outcomes.record_id = chosen_outcomes.record_id
  AND outcomes.known_timestamp <= chosen_outcomes.known_timestamp"""


@dataclass(frozen=True, slots=True)
class Merge:
    """A MERGE of the rows of `source` into `target` by `keys`; `columns` are all of the target's."""

    target: str
    source: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]


ASSIGNMENTS = Merge(
    "assignments",
    "stage_assignments",
    ("workspace_id", "experiment_id", "prediction_id"),
    ("workspace_id", "experiment_id", "prediction_id", "unit_id", "variant", "exposed_at", "model_version"),
)
SHOWN_ITEMS = Merge(
    "shown_items",
    "stage_shown_items",
    ("workspace_id", "experiment_id", "prediction_id", "item"),
    ("workspace_id", "experiment_id", "prediction_id", "unit_id", "exposed_at", "item"),
)
OUTCOMES = Merge(
    "outcomes",
    "chosen_outcomes",
    ("workspace_id", "experiment_id", "metric", "record_id"),
    ("workspace_id", "experiment_id", "metric", "record_id", "unit_id", "event_timestamp", "known_timestamp", "item"),
)
PARTS = Merge(
    "loaded_parts",
    "stage_parts",
    ("workspace_id", "experiment_id", "metric", "part_key"),
    ("workspace_id", "experiment_id", "metric", "part_key"),
)


def build_variant_counts(metric: Metric) -> str:
    """Return the query that counts units with a closed window and conversions, per variant."""
    shown = SHOWN_BEFORE if metric.kind == "hit" else ""
    return VARIANT_COUNTS.format(window_hours=int(metric.window_hours), shown=shown)


def build_assignment_load(*, assignments_uri: str, shown_items_uri: str | None, role_arn: str) -> list[str]:
    """Return the statements of one transaction that merges staged exposures and, if any were shown, their items."""
    statements = ["LOCK assignments, shown_items", *_load_json(ASSIGNMENTS, assignments_uri, role_arn)]
    if shown_items_uri:
        statements += _load_json(SHOWN_ITEMS, shown_items_uri, role_arn)
    return statements


def build_outcome_load(metric: Metric, dataset: Dataset, *, manifest_uri: str, parts_uri: str, role_arn: str) -> list[str]:
    """Return the statements of one transaction that merges the manifest's parts into outcomes and notes them as loaded.

    Parquet is copied by position, so the dataset's columns are staged as c0, c1, … whatever their names are.
    """
    names = [column.name for column in dataset.columns]
    item = f"c{names.index(metric.item_column)}" if metric.item_column else "CAST(NULL AS VARCHAR(65535))"
    return [
        "LOCK outcomes, loaded_parts",
        _build_stage_records(dataset),
        f"COPY stage_records FROM {quote(manifest_uri)} IAM_ROLE {quote(role_arn)} FORMAT AS PARQUET MANIFEST",
        *_load_json(PARTS, parts_uri, role_arn),
        CHOOSE_EARLIEST_KNOWN.format(item=item),
        KEEP_EARLIER_OUTCOMES,
        build_merge(OUTCOMES),
    ]


def build_merge(merge: Merge) -> str:
    """Return the MERGE: rows that are there take the source's values, all others are inserted."""
    matching = " AND ".join(f"{merge.target}.{key} = source.{key}" for key in merge.keys)
    changing = [column for column in merge.columns if column not in merge.keys] or list(merge.keys[-1:])
    changes = ", ".join(f"{column} = source.{column}" for column in changing)
    values = ", ".join(f"source.{column}" for column in merge.columns)
    clauses = {
        "MERGE INTO": f"{merge.target} USING {merge.source} AS source ON {matching}",
        "WHEN MATCHED THEN": f"UPDATE SET {changes}",
        "WHEN NOT MATCHED THEN": f"INSERT ({', '.join(merge.columns)}) VALUES ({values})",  # noqa: S608 - names of this module only
    }
    return "\n".join(f"{clause} {rest}" for clause, rest in clauses.items())


def quote(text: str) -> str:
    """Return a string literal. Only our own S3 addresses and ARNs are written so; what could end it early is refused.

    Raises:
        ValueError: The text has a quote, a backslash or a control character.
    """
    if "'" in text or "\\" in text or not text.isprintable():
        raise ValueError(f"not a plain S3 address or ARN: {text!r}")
    return f"'{text}'"


def _build_stage_records(dataset: Dataset) -> str:
    columns = [f"c{index} {SQL_TYPES[column.type]}" for index, column in enumerate(dataset.columns)]
    fixed = ["record_id VARCHAR(512)", "entity_id VARCHAR(1024)", "event_timestamp TIMESTAMP", "known_timestamp TIMESTAMP"]
    return f"CREATE TEMP TABLE stage_records ({', '.join([*fixed, *columns])})"


def _load_json(merge: Merge, uri: str, role_arn: str) -> list[str]:
    return [
        f"CREATE TEMP TABLE {merge.source} (LIKE {merge.target})",
        f"COPY {merge.source} FROM {quote(uri)} IAM_ROLE {quote(role_arn)} FORMAT AS JSON 'auto' TIMEFORMAT 'auto'",
        build_merge(merge),
    ]
