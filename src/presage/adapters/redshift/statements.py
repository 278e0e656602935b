"""The SQL of the warehouse: pure text. Analysis uses what Redshift and PostgreSQL have in common, loads are Redshift's own.

Values that callers bring never stand in the text: they are parameters, or rows of a staged file.
"""

from __future__ import annotations

from dataclasses import dataclass

from presage.experiments.model import Source
from presage.features.dataset import Dataset

SQL_TYPES = {"number": "DOUBLE PRECISION", "string": "VARCHAR(65535)", "boolean": "BOOLEAN"}

LOADED_PARTS = """\
SELECT part_key FROM loaded_parts
WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND metric = :metric"""

FIRST_EXPOSURE = """\
SELECT CAST(MIN(exposed_at) AS VARCHAR(32)) FROM assignments
WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id"""

CHOOSE_EARLIEST_KNOWN = """\
CREATE TEMP TABLE chosen_outcomes AS
SELECT keys.workspace_id, keys.experiment_id, keys.metric, ranked.record_id, ranked.entity_id AS unit_id,
  ranked.event_timestamp, ranked.known_timestamp, ranked.item, ranked.value
FROM (
  SELECT record_id, entity_id, event_timestamp, known_timestamp, {item} AS item, {value} AS value,
    ROW_NUMBER() OVER (PARTITION BY record_id ORDER BY known_timestamp, event_timestamp, entity_id) AS place
  FROM stage_records
) AS ranked
CROSS JOIN (SELECT DISTINCT workspace_id, experiment_id, metric FROM stage_parts) AS keys
WHERE ranked.place = 1"""

KEEP_EARLIER_OUTCOMES = """\
DELETE FROM chosen_outcomes USING outcomes
WHERE outcomes.workspace_id = chosen_outcomes.workspace_id AND outcomes.experiment_id = chosen_outcomes.experiment_id
  AND outcomes.metric = chosen_outcomes.metric AND outcomes.record_id = chosen_outcomes.record_id
  AND (outcomes.known_timestamp < chosen_outcomes.known_timestamp
    OR (outcomes.known_timestamp = chosen_outcomes.known_timestamp AND outcomes.event_timestamp <= chosen_outcomes.event_timestamp))"""

TOUCH_FORMER_UNITS = """\
INSERT INTO touched_units (workspace_id, experiment_id, unit_id)
SELECT DISTINCT outcomes.workspace_id, outcomes.experiment_id, outcomes.unit_id
FROM outcomes
JOIN chosen_outcomes ON outcomes.workspace_id = chosen_outcomes.workspace_id AND outcomes.experiment_id = chosen_outcomes.experiment_id
  AND outcomes.metric = chosen_outcomes.metric AND outcomes.record_id = chosen_outcomes.record_id"""
"""A record known earlier may be another unit's than the one it replaces."""

TOUCH_UNITS = """\
INSERT INTO touched_units (workspace_id, experiment_id, unit_id)
SELECT DISTINCT workspace_id, experiment_id, unit_id FROM chosen_outcomes"""

TOUCH_EXPOSED_UNITS = """\
INSERT INTO touched_units (workspace_id, experiment_id, unit_id, exposed_hour)
SELECT DISTINCT workspace_id, experiment_id, unit_id, DATE_TRUNC('hour', exposed_at) FROM stage_assignments"""

KEEP_KNOWN_ASSIGNMENTS = """\
DELETE FROM stage_assignments USING assignments
WHERE assignments.workspace_id = stage_assignments.workspace_id AND assignments.experiment_id = stage_assignments.experiment_id
  AND assignments.prediction_id = stage_assignments.prediction_id"""


@dataclass(frozen=True, slots=True)
class Merge:
    """A MERGE of the rows of `source` into `target` by `keys`; `columns` are all of the target's.

    A `stamped` table also notes when each row was loaded first.
    """

    target: str
    source: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    stamped: bool = False


ASSIGNMENTS = Merge(
    "assignments",
    "stage_assignments",
    ("workspace_id", "experiment_id", "prediction_id"),
    ("workspace_id", "experiment_id", "prediction_id", "unit_id", "variant", "exposed_at", "model_version", "allocation_version"),
    stamped=True,
)
SHOWN_ITEMS = Merge(
    "shown_items",
    "stage_shown_items",
    ("workspace_id", "experiment_id", "prediction_id", "item"),
    ("workspace_id", "experiment_id", "prediction_id", "unit_id", "exposed_at", "item"),
    stamped=True,
)
OUTCOMES = Merge(
    "outcomes",
    "chosen_outcomes",
    ("workspace_id", "experiment_id", "metric", "record_id"),
    ("workspace_id", "experiment_id", "metric", "record_id", "unit_id", "event_timestamp", "known_timestamp", "item", "value"),
    stamped=True,
)
PARTS = Merge(
    "loaded_parts",
    "stage_parts",
    ("workspace_id", "experiment_id", "metric", "part_key"),
    ("workspace_id", "experiment_id", "metric", "part_key"),
)


def build_assignment_load(*, assignments_uri: str, shown_items_uri: str | None, role_arn: str) -> list[str]:
    """Return the statements of one transaction that merges staged exposures and, if any were shown, their items.

    Exposures that are known already touch no unit.
    """
    stage, copy, merge = _load_json(ASSIGNMENTS, assignments_uri, role_arn)
    statements = ["LOCK assignments, shown_items", stage, copy, KEEP_KNOWN_ASSIGNMENTS, merge]
    if shown_items_uri:
        statements += _load_json(SHOWN_ITEMS, shown_items_uri, role_arn)
    return [*statements, TOUCH_EXPOSED_UNITS]


def build_outcome_load(source: Source, dataset: Dataset, *, manifest_uri: str, parts_uri: str, role_arn: str) -> list[str]:
    """Return the statements of one transaction that merges the manifest's parts into outcomes and notes them as loaded.

    Parquet is copied by position, so the dataset's columns are staged as c0, c1, … whatever their names are.
    """
    places = {column.name: f"c{index}" for index, column in enumerate(dataset.columns)}
    item = _write_text(source.item_column, dataset) if source.item_column else "CAST(NULL AS VARCHAR(65535))"
    value = places[source.value_column] if source.value_column else "CAST(NULL AS DOUBLE PRECISION)"
    return [
        "LOCK outcomes, loaded_parts",
        _build_stage_records(dataset),
        f"COPY stage_records FROM {quote(manifest_uri)} IAM_ROLE {quote(role_arn)} FORMAT AS PARQUET MANIFEST",
        *_load_json(PARTS, parts_uri, role_arn),
        CHOOSE_EARLIEST_KNOWN.format(item=item, value=value),
        KEEP_EARLIER_OUTCOMES,
        TOUCH_FORMER_UNITS,
        build_merge(OUTCOMES),
        TOUCH_UNITS,
    ]


def build_merge(merge: Merge) -> str:
    """Return the MERGE: rows that are there take the source's values, all others are inserted.

    SYSDATE is when the transaction began, which is not before its tables were asked for: whoever reads them later waits for it.
    """
    matching = " AND ".join(f"{merge.target}.{key} = source.{key}" for key in merge.keys)
    changing = [column for column in merge.columns if column not in merge.keys] or list(merge.keys[-1:])
    changes = ", ".join(f"{column} = source.{column}" for column in changing)
    columns = ", ".join([*merge.columns, *(["loaded_at"] if merge.stamped else [])])
    values = ", ".join([*(f"source.{column}" for column in merge.columns), *(["SYSDATE"] if merge.stamped else [])])
    clauses = {
        "MERGE INTO": f"{merge.target} USING {merge.source} AS source ON {matching}",
        "WHEN MATCHED THEN": f"UPDATE SET {changes}",
        "WHEN NOT MATCHED THEN": f"INSERT ({columns}) VALUES ({values})",  # noqa: S608 - names of this module only
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


def _write_text(name: str, dataset: Dataset) -> str:
    """Return the staged column as text, which Redshift has no cast of a boolean for."""
    place, column = next((f"c{index}", column) for index, column in enumerate(dataset.columns) if column.name == name)
    if column.type == "boolean":
        return f"CASE WHEN {place} THEN 'true' WHEN NOT {place} THEN 'false' END"
    return place if column.type == "string" else f"CAST({place} AS VARCHAR(64))"


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
