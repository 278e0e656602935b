"""Redshift's layout becomes PostgreSQL's indexes."""

import pytest

from localstack.bridges.redshift_layout import build_indexes
from localstack.bridges.redshift_sql import parse

TABLE = "CREATE TABLE t (a INTEGER, u INTEGER, at TIMESTAMP, crossed_at TIMESTAMP{primary}) DISTKEY (u) SORTKEY ({sort})"


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        (TABLE.format(primary="", sort="a, at").replace(", crossed_at TIMESTAMP", ""), ['"a", "at"', '"a", "u"']),
        (
            TABLE.format(primary=", PRIMARY KEY (a, at, u)", sort="a, b, at"),
            ['"a", "b", "at"', '"a", "u"', '"a", "crossed_at"'],
        ),
        (TABLE.format(primary=", PRIMARY KEY (a, at)", sort="a, b, at"), ['"a", "b", "at"', '"a", "b", "u"', '"a", "crossed_at"']),
        (TABLE.format(primary="", sort="a"), ['"a"', '"a", "crossed_at"']),
        ("ALTER TABLE t ADD COLUMN loaded_at TIMESTAMP", ['"loaded_at"']),
        ("ALTER TABLE t ADD COLUMN value DOUBLE PRECISION", []),
        ("CREATE TABLE t (a INTEGER)", []),
        ("SELECT 1", []),
    ],
)
def test_keys_and_searched_columns_are_indexed(statement: str, columns: list[str]) -> None:
    assert [index.as_string(None) for index in build_indexes(parse(statement))] == [f'CREATE INDEX ON "t" ({found})' for found in columns]
