"""The SQL of the ledger: pure text in what Redshift and PostgreSQL have in common.

A row's hash is the MD5 of its columns. Texts that users chose are hashed on their own first, so that no two rows write the same line.
MD5 gives hexadecimal digits, which neither database turns into numbers by a function that the other has: they are read as decimal ones,
a to f as 0 to 5. That leaves 106 of 128 bits, added up in two halves, which DECIMAL(38) holds for any number of rows.
"""

from __future__ import annotations

CLOCK = """\
SELECT CAST(SYSDATE AS VARCHAR(32))
FROM (SELECT COUNT(*) AS rows_read FROM assignments CROSS JOIN outcomes WHERE 1 = 0) AS waited"""
"""The time when it was asked, and it is answered once every load that was under way then has ended: loads lock these tables."""

RESTRICTED = """\
{table} AS (
  SELECT * FROM public.{table}
  WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND loaded_at <= CAST(:loaded_until AS TIMESTAMP)
)"""
"""The experiment is named here too: a query that reads a table twice may have all of this written down first."""
TABLES = ("assignments", "shown_items", "outcomes")

EXPOSURES = """\
WITH exposures AS (
  SELECT unit_id, COUNT(*) AS exposures, COUNT(DISTINCT variant) AS variants, MIN(exposed_at) AS first_exposed_at
  FROM assignments
  WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id AND exposed_at <= CAST(:as_of AS TIMESTAMP)
  GROUP BY unit_id
)
SELECT
  CAST(COALESCE(SUM(exposures), 0) AS BIGINT),
  CAST(COUNT(*) AS BIGINT),
  CAST(COALESCE(SUM(CASE WHEN variants > 1 THEN 1 ELSE 0 END), 0) AS BIGINT),
  CAST(MIN(first_exposed_at) AS VARCHAR(32))
FROM exposures"""

FINGERPRINT = """\
SELECT CAST(COUNT(*) AS BIGINT),
  CAST(COALESCE(SUM(CAST(SUBSTRING(digits, 1, 16) AS DECIMAL(38, 0))), 0) AS VARCHAR(40)),
  CAST(COALESCE(SUM(CAST(SUBSTRING(digits, 17, 16) AS DECIMAL(38, 0))), 0) AS VARCHAR(40))
FROM (
  SELECT TRANSLATE(MD5({line}), 'abcdef', '012345') AS digits
  FROM {table}
  WHERE workspace_id = :workspace_id AND experiment_id = :experiment_id
    AND loaded_at > CAST(:loaded_after AS TIMESTAMP) AND loaded_at <= CAST(:loaded_until AS TIMESTAMP)
) AS hashed"""

TIME = "TO_CHAR({column}, 'YYYY-MM-DD HH24:MI:SS.US')"

EXPOSED_AT = TIME.format(column="exposed_at")
HASHED = {
    "assignments": (
        "MD5(prediction_id)",
        "MD5(unit_id)",
        "variant",
        "'|'",
        EXPOSED_AT,
        "COALESCE(CAST(model_version AS VARCHAR(16)), '-')",
        "CASE WHEN allocation_version > 1 THEN CAST(allocation_version AS VARCHAR(16)) ELSE '' END",
    ),
    "shown_items": ("MD5(prediction_id)", "MD5(unit_id)", "MD5(item)", EXPOSED_AT),
    "outcomes": (
        "MD5(metric)",
        "MD5(record_id)",
        "MD5(unit_id)",
        TIME.format(column="event_timestamp"),
        TIME.format(column="known_timestamp"),
        "COALESCE(MD5(item), '-')",
        "'|'",
        "COALESCE(CAST(value AS VARCHAR(64)), '-')",
    ),
}
"""What of a row is hashed, by table."""


def restrict_to_loaded(query: str) -> str:
    """Return a query, which begins with WITH, over only those rows that were loaded until `:loaded_until`."""
    restricted = ",\n".join(RESTRICTED.format(table=table) for table in TABLES if _names(query, table))
    return f"WITH {restricted}, {query.removeprefix('WITH ')}"


def build_fingerprint(table: str) -> str:
    """Return the query that counts a table's rows of an experiment and adds up both halves of their hashes."""
    return FINGERPRINT.format(line=" || ".join(HASHED[table]), table=table)


def _names(query: str, table: str) -> bool:
    return f"FROM {table}" in query or f"JOIN {table}" in query
