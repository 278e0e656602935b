"""What Redshift finds rows by, on PostgreSQL: indexes for its keys, and statistics of what was staged or has just been loaded.

Redshift passes over blocks by their smallest and largest values, keeps rows of one distribution key together, and knows how many rows
its tables have. None of it has an effect on results.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from sqlglot import exp

BLOCK_SEARCHED = frozenset({"loaded_at", "crossed_at"})
"""Columns outside of any key of which looks ask for a narrow range."""

MANY_ROWS = 100_000
"""A table that has grown by so many is analysed before it is read again in the same transaction, and so many are not looked up."""

LOOK_UP = "SET LOCAL enable_nestloop = on; SET LOCAL max_parallel_workers_per_gather = 0"
"""Beside workers a scan of everything looks cheap, and takes the cores from whoever else works here."""
JOIN_WHOLE = "SET LOCAL enable_nestloop = off; SET LOCAL max_parallel_workers_per_gather TO DEFAULT"

STALE = """\
SELECT relname FROM pg_stat_user_tables
WHERE relname = ANY(%s) AND n_mod_since_analyze > 1000 + n_live_tup / 5"""


def build_indexes(tree: exp.Expr) -> list[sql.Composed]:
    """Return the statements that index what a CREATE TABLE with a sort key lays out, or what an ALTER TABLE adds."""
    if isinstance(tree, exp.Alter):
        added = [action.name for action in tree.args["actions"] if isinstance(action, exp.ColumnDef)]
        return [_index(tree.this.name, [column]) for column in added if column in BLOCK_SEARCHED]
    sort_key = tree.find(exp.SortKeyProperty) if isinstance(tree, exp.Create) else None
    if sort_key is None:
        return []
    table, columns = tree.this.this.name, [found.name for found in sort_key.find_all(exp.Identifier)]
    keys = [columns]
    distribution, primary = tree.find(exp.DistKeyProperty), tree.find(exp.PrimaryKey)
    if distribution is not None and columns[1:]:
        is_grain = primary is not None and distribution.name in [found.name for found in primary.expressions]
        keys.append([*columns[: 1 if is_grain else -1], distribution.name])
    keys += [[columns[0], column.name] for column in tree.find_all(exp.ColumnDef) if column.name in BLOCK_SEARCHED]
    return [_index(table, key) for key in keys]


class Planning:
    """What PostgreSQL's planner is told in one transaction. Rows are looked up for what was staged, unless that is a lot."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        """Begin with joins by hash."""
        self._cursor = cursor
        self._has_many = False

    def note(self, tree: exp.Expr, touched: int) -> None:
        """Analyse what the statement staged or filled, or locked after others filled it."""
        if isinstance(tree, exp.Command):
            self._cursor.execute(STALE, (str(tree.this).replace(",", " ").split()[1:],))
            self._analyze([row[0] for row in self._cursor.fetchall()])
        elif isinstance(tree, exp.Copy) or (isinstance(tree, exp.Create) and tree.find(exp.TemporaryProperty) and tree.expression):
            self._has_many |= touched >= MANY_ROWS
            self._analyze([_name_target(tree)])
            self._cursor.execute(JOIN_WHOLE if self._has_many else LOOK_UP)
        elif isinstance(tree, exp.Insert) and touched >= MANY_ROWS:
            self._analyze([_name_target(tree)])

    def _analyze(self, tables: list[str]) -> None:
        for table in tables:
            self._cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _name_target(tree: exp.Expr) -> str:
    table = tree.this.find(exp.Table)
    return str(table.name)


def _index(table: str, columns: list[str]) -> sql.Composed:
    return sql.SQL("CREATE INDEX ON {} ({})").format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
