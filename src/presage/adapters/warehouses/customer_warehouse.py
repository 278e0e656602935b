"""A table or a query of a customer's warehouse, through SQLAlchemy: identifiers are quoted by it, values are bound, rows are streamed."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, cast
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select, and_, func, or_, quoted_name
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from presage.adapters.warehouses.addresses import Place
from presage.adapters.warehouses.dialects import NativeColumn, WarehouseDialect
from presage.adapters.warehouses.mysql import MYSQL
from presage.adapters.warehouses.postgresql import POSTGRESQL, REDSHIFT
from presage.errors import ForbiddenError, InvalidInputError, PresageError, UnavailableError
from presage.features.limits import MAX_TEXT_LENGTH
from presage.features.sources.warehouse import (
    Bounds,
    Cell,
    CellKind,
    CursorValue,
    KeyValue,
    Page,
    WarehouseKind,
    WarehouseLogin,
    WarehouseRequest,
)

FETCHED_ROWS = 5_000
LONGEST_PAUSE_SECONDS = 30.0
DIALECTS: Mapping[WarehouseKind, WarehouseDialect] = {"postgresql": POSTGRESQL, "mysql": MYSQL, "redshift": REDSHIFT}
"""All that differs between warehouses is an entry of this."""
_INTEGER_DIGITS = 19
_SHOWN_CHARACTERS = 300
_LOGIN = re.compile(r"authentication failed|no pg_hba.conf entry|role .* does not exist|database .* does not exist", re.IGNORECASE)
_TLS = re.compile(r"certificate|does not support SSL|SSL is required|SSL error|unsupported protocol", re.IGNORECASE)

Sleep = Callable[[float], None]
FindPlace = Callable[[WarehouseLogin, int], Place]
"""Judges where a login leads; the number is the port where it says none."""


class SqlCustomerWarehouse:
    """`CustomerWarehouse` through a driver. Each statement has a connection and a read-only transaction of its own."""

    def __init__(
        self,
        kind: WarehouseKind,
        login: WarehouseLogin,
        request: WarehouseRequest,
        *,
        find_place: FindPlace,
        sleep: Sleep = time.sleep,
    ) -> None:
        """Read what `request` names, with `login`, at the place that is found anew for each connection. Nothing is connected yet."""
        self._dialect = DIALECTS[kind]
        self._login = login
        self._request = request
        self._sleep = sleep
        self._find_place = find_place
        self._engine: Engine = sqlalchemy.create_engine(
            self._dialect.url, creator=self._connect, poolclass=NullPool, hide_parameters=True, **self._dialect.engine_options
        )

    def describe(self) -> Mapping[str, CellKind]:
        """Return the columns and what they are declared as."""
        return {name: column.kind for name, column in self._columns.items()}

    def find_bounds(self, since: CursorValue | None, until: CursorValue | None) -> Bounds | None:
        """Return the bounds of the rows in [`since`, `until`), None if there are none."""
        cursor, native = self._order[0]
        statement = sqlalchemy.select(func.min(cursor), func.max(cursor)).select_from(self._build_source())
        if since is not None:
            statement = statement.where(cursor >= _bind(since, native))
        if until is not None:
            statement = statement.where(cursor < _bind(until, native))
        low, high = self._fetch_one(statement)
        return None if low is None else Bounds(_read_cursor(low), _read_cursor(high))

    def count_unreachable(self) -> int:
        """Return how many rows have no cursor or no key."""
        (cursor, _), (key, _) = self._order
        statement = sqlalchemy.select(func.count()).select_from(self._build_source()).where(or_(cursor.is_(None), key.is_(None)))
        return int(self._fetch_one(statement)[0])

    def read_page(self, page: Page) -> Iterator[Sequence[tuple[Cell, ...]]]:
        """Yield rows in the order of cursor and key, as they come from the server."""
        statement = self._build_page(page)
        with self._transaction() as connection, connection.execution_options(yield_per=FETCHED_ROWS).execute(statement) as result:
            for rows in result.partitions(FETCHED_ROWS):
                yield [tuple(map(_read_cell, row)) for row in rows]

    def pause(self, attempt: int) -> None:
        """Wait for a random time below a bound that doubles with each attempt."""
        bound = min(0.5 * 2.0**attempt, LONGEST_PAUSE_SECONDS)
        self._sleep(bound * secrets.randbelow(1_000) / 1_000)

    def _build_page(self, page: Page) -> Select[Any]:
        (cursor, of_cursor), (key, of_key) = self._order
        low = page.bounds.low if page.start is None else page.start.cursor
        chosen = [self._choose(name).label(f"c{number}") for number, name in enumerate(page.columns)]
        statement = sqlalchemy.select(*chosen).select_from(self._build_source())
        statement = statement.where(cursor >= _bind(low, of_cursor), cursor <= _bind(page.bounds.high, of_cursor), key.is_not(None))
        if page.start is not None:
            is_later = cursor > _bind(page.start.cursor, of_cursor)
            statement = statement.where(or_(is_later, and_(cursor == _bind(low, of_cursor), key >= _bind(page.start.key, of_key))))
        return statement.order_by(cursor, key).limit(page.limit)

    def _choose(self, name: str) -> ColumnElement[Any]:
        """Return a column. A text that is longer than any value may be comes cut, to be refused: 5,000 whole ones could fill the memory."""
        is_long = self._columns[name].is_long and name != self._request.key_column
        return func.left(_quote(name), MAX_TEXT_LENGTH + 1) if is_long else _quote(name)

    @cached_property
    def _columns(self) -> Mapping[str, NativeColumn]:
        statement = sqlalchemy.select(sqlalchemy.text("*")).select_from(self._build_source()).where(sqlalchemy.text("1 = 0"))
        with self._transaction() as connection:
            described = connection.execute(statement).cursor.description
        return {str(column[0]): self._dialect.tell_column(tuple(column)) for column in described or ()}

    @cached_property
    def _order(self) -> tuple[tuple[ColumnElement[Any], NativeColumn], tuple[ColumnElement[Any], NativeColumn]]:
        cursor, key = self._request.cursor_column, self._request.key_column
        return (_quote(cursor), self._columns[cursor]), (_quote(key), self._columns[key])

    def _build_source(self) -> FromClause:
        if self._request.query is not None:
            plain = self._request.query.strip().rstrip(";").replace(":", "\\:")
            return cast("FromClause", sqlalchemy.text(f"({plain}\n) AS presage_source"))
        schema, dot, name = str(self._request.table).rpartition(".")
        return sqlalchemy.table(quoted_name(name, quote=True), schema=quoted_name(schema, quote=True) if dot else None)

    def _fetch_one(self, statement: Select[Any]) -> tuple[Any, ...]:
        with self._transaction() as connection:
            return tuple(connection.execute(statement).one())

    def _connect(self) -> Any:  # noqa: ANN401 - whatever the driver's connection is
        return self._dialect.connect(self._login, self._find_place(self._login, self._dialect.default_port))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Raise what a driver says as an error of ours, without a chain to it: a driver's may hold what it connected with."""
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(**self._dialect.options)
        except DBAPIError as error:
            judged = self._judge(error.orig or error)
        else:
            return
        raise judged from None

    def _judge(self, error: BaseException) -> PresageError:
        code, said = self._dialect.read_code(error), self._say(error)
        if _LOGIN.search(said) or code in self._dialect.denied:
            return ForbiddenError(f"The warehouse refused: {said}", code="credentials_refused")
        path = "$.table" if self._request.query is None else "$.query"
        if code in self._dialect.too_slow:
            return InvalidInputError(
                f"The warehouse took too long; has it an index on the cursor? {said}", path=path, code="statement_too_slow"
            )
        if self._dialect.refused(code):
            return InvalidInputError(f"The warehouse refused the statement: {said}", path=path, code="statement_refused")
        if _TLS.search(said):
            return InvalidInputError(f"The warehouse could not be spoken to by TLS: {said}", path="$.credential", code="tls_refused")
        return UnavailableError(f"The warehouse did not answer: {said}")

    def _say(self, error: BaseException) -> str:
        """Return a driver's words on one line, cut short; the password is in none of them, but would not be told if it were."""
        words = " ".join(str(part) for part in error.args).split()
        said = " ".join(words)
        return (said.replace(self._login.password, "…") if self._login.password else said)[:_SHOWN_CHARACTERS]


def _quote(name: str) -> ColumnElement[Any]:
    return sqlalchemy.column(quoted_name(name, quote=True))


def _bind(value: CursorValue | KeyValue, native: NativeColumn) -> ColumnElement[Any]:
    if isinstance(value, datetime) and not native.has_zone:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return sqlalchemy.literal(value, native.type)


def _read_cursor(value: object) -> CursorValue:
    cell = _read_cell(value)
    if isinstance(cell, int | datetime):
        return cell
    raise InvalidInputError(f"the cursor has the value {cell!r}, which is none to read by; leave it out in a query", path="$.cursor_column")


def _read_cell(value: object) -> Cell:
    """Return a driver's value as ours; what is none of them is as it is, for validation to refuse."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, Decimal):
        return _read_decimal(value)
    if isinstance(value, UUID):
        return str(value)
    return cast("Cell", value)


def _read_decimal(value: Decimal) -> Cell:
    """Return the nearest number. An integer of more digits than one has, or a fraction that would be 0, is a text, to be refused."""
    if not value.is_finite():
        return float(value)
    if value == value.to_integral_value():
        return int(value) if value.adjusted() < _INTEGER_DIGITS or not value else f"{value:.20e}"
    return float(value) or f"{value:.20e}"
