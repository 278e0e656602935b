"""Executes Redshift's SQL on PostgreSQL: translated by sqlglot, and `COPY` carried out from the same S3 objects."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import pyarrow.parquet as pq
import sqlglot
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlglot import ErrorLevel, exp

from localstack.bridges.redshift_layout import Planning, build_indexes

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

LOCK = re.compile(r"LOCK\s+(TABLE\s+)?\w+(\s*,\s*\w+)*", re.IGNORECASE)
PHYSICAL = (exp.DistKeyProperty, exp.DistStyleProperty, exp.SortKeyProperty)
"""Redshift's storage layout, which has no counterpart and no effect on results."""

SESSION = "-c timezone=UTC -c enable_nestloop=off -c jit=off -c work_mem=64MB -c seq_page_cost=0.1 -c random_page_cost=0.1"
"""Joins by hash, as a warehouse does: PostgreSQL has no statistics yet of what was merged a moment ago. Pages are mostly in memory.

A transaction that stages rows looks up what it needs for them instead: their number is known, see `redshift_layout`.
"""

Row = Sequence[object]


class StatementError(Exception):
    """A statement that cannot be run; its message is what the API reports."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one statement left: its columns (name, type name) if it answers rows, and how many rows it touched."""

    columns: Sequence[tuple[str, str]] = ()
    rows: Sequence[Row] = field(default_factory=tuple)
    touched: int = 0


class PostgresExecutor:
    """Runs each submission on a connection of its own, as the Data API does: temporary tables end with it."""

    def __init__(self, database_url: str, s3: S3Client) -> None:
        """Keep where the server is; the database is named by each submission."""
        self._server = conninfo_to_dict(database_url)
        self._s3 = s3
        self._running: dict[str, psycopg.Connection[Any]] = {}

    def run_transaction(self, statements: Sequence[str], *, name: str, database: str, parameters: Mapping[str, str]) -> Iterator[Outcome]:
        """Yield each statement's outcome; all are committed after the last one, or none when one fails or `name` is cancelled."""
        conninfo = make_conninfo("", **{**self._server, "dbname": database, "options": SESSION})
        with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
            self._running[name] = connection
            planning = Planning(cursor)
            try:
                for statement in statements:
                    tree = parse(statement)
                    outcome = self._run(cursor, tree, parameters)
                    planning.note(tree, outcome.touched)
                    yield outcome
            finally:
                del self._running[name]

    def cancel(self, name: str) -> bool:
        """Interrupt what runs under that name; return whether anything did."""
        connection = self._running.get(name)
        if connection is not None:
            connection.cancel_safe(timeout=5)
        return connection is not None

    def cancel_all(self) -> None:
        """Interrupt everything that runs."""
        for name in list(self._running):
            self.cancel(name)

    def _run(self, cursor: psycopg.Cursor[Any], tree: exp.Expr, parameters: Mapping[str, str]) -> Outcome:
        if isinstance(tree, exp.Copy):
            return Outcome(touched=self._copy(cursor, tree))
        indexes = build_indexes(tree)
        cursor.execute(translate(tree, parameters).encode())
        for index in indexes:
            cursor.execute(index)
        if cursor.description is None:
            return Outcome(touched=max(0, cursor.rowcount))
        columns = [(column.name, column.type_display) for column in cursor.description]
        return Outcome(columns, cursor.fetchall(), cursor.rowcount)

    def _copy(self, cursor: psycopg.Cursor[Any], tree: exp.Copy) -> int:
        options = {param.name.upper(): param.expression.name.upper() if param.expression else "" for param in tree.args["params"]}
        if not tree.args["credentials"].args.get("iam_role"):
            raise StatementError("COPY needs an IAM_ROLE")
        table = tree.this.name
        columns = read_columns(cursor, table)
        bodies = self._read_objects(tree.args["files"][0].name, is_manifest="MANIFEST" in options)
        if options.get("FORMAT") == "PARQUET":
            rows: Iterable[Row] = (row for body in bodies for row in read_parquet(body, columns))
        elif "FORMAT AS JSON" in options:
            rows = (row for body in bodies for row in read_json_lines(body, columns))
        else:
            raise StatementError(f"the bridge copies JSON 'auto' and PARQUET, not {options}")
        copied = 0
        target = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
        with cursor.copy(target) as copy:
            for row in rows:
                copy.write_row(row)
                copied += 1
        return copied

    def _read_objects(self, url: str, *, is_manifest: bool) -> Iterator[bytes]:
        """Yield the bytes of each object below a prefix, or of each that a manifest names."""
        if not is_manifest:
            yield from (self._read(address) for address in self._list(url))
            return
        for entry in msgspec.json.decode(self._read(url))["entries"]:
            body = self._read(entry["url"])
            if len(body) != entry["meta"]["content_length"]:
                raise StatementError(f"{entry['url']} has {len(body)} bytes, its manifest says {entry['meta']['content_length']}")
            yield body

    def _list(self, url: str) -> list[str]:
        bucket, key = split_url(url)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        found = [f"s3://{bucket}/{entry['Key']}" for page in pages for entry in page.get("Contents", [])]
        if not found:
            raise StatementError(f"The specified S3 prefix '{key}' does not exist")
        return found

    def _read(self, url: str) -> bytes:
        bucket, key = split_url(url)
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def parse(statement: str) -> exp.Expr:
    """Return the tree of exactly one Redshift statement, or raise `StatementError`."""
    if LOCK.fullmatch(statement.strip()):
        return exp.Command(this=statement.strip())
    try:
        trees = sqlglot.parse(statement, read="redshift", error_level=ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        raise StatementError(f"syntax error: {error}") from error
    if len(trees) != 1 or trees[0] is None or isinstance(trees[0], exp.Command):
        raise StatementError("expected one statement that the bridge knows")
    tree: exp.Expr = trees[0]
    return tree


def translate(tree: exp.Expr, parameters: Mapping[str, str]) -> str:
    """Return PostgreSQL's text with parameters as quoted literals; what has no translation raises `StatementError`."""
    if isinstance(tree, exp.Command):
        return str(tree.this)
    for found in list(tree.find_all(*PHYSICAL)):
        found.pop()
    bound = tree.transform(lambda node: _bind(node, parameters))
    try:
        return bound.sql(dialect="postgres", unsupported_level=ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        raise StatementError(f"the bridge cannot translate this: {error}") from error


def list_parameters(statement: str) -> set[str]:
    """Return the names of the parameters that a statement refers to."""
    return {str(node.this) for node in parse(statement).find_all(exp.Placeholder)}


def read_columns(cursor: psycopg.Cursor[Any], table: str) -> list[str]:
    """Return the table's column names in order."""
    cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(sql.Identifier(table)))
    return [column.name for column in cursor.description or ()]


def read_parquet(body: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Yield a parquet object's rows; like Redshift, by position and only when the number of columns agrees."""
    table = pq.read_table(io.BytesIO(body))
    if table.num_columns != len(columns):
        raise StatementError(f"the file has {table.num_columns} columns and the table {len(columns)}")
    for batch in table.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def read_json_lines(body: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of JSON objects by column name ('auto'): missing keys are null, unknown ones ignored."""
    for line in body.splitlines():
        values = msgspec.json.decode(line, type=dict[str, Any])
        yield [values.get(column) for column in columns]


def split_url(url: str) -> tuple[str, str]:
    """Return (bucket, key) of an s3:// address, or raise `StatementError`."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise StatementError(f"not an S3 address: {url!r}")
    return bucket, key


def _bind(node: exp.Expr, parameters: Mapping[str, str]) -> exp.Expr:
    return exp.Literal.string(parameters[str(node.this)]) if isinstance(node, exp.Placeholder) else node
