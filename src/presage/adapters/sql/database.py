"""The database: its engine, its unit of work, and the way between rows and dataclasses.

One engine a process, one session a unit of work. SQL stays in the common part of MySQL 8.4 and MariaDB 10.11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import pymysql
import sqlalchemy
from sqlalchemy import ColumnElement, CursorResult, Dialect, Engine, Select, Table, event
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from presage.adapters.sql.credentials import CredentialSource
from presage.errors import AlreadyExistsError, InvalidInputError, UnavailableError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 30
LOCK_WAIT_SECONDS = 10
"""How long a statement waits for a row that others hold, before it is given up."""
RECYCLE_SECONDS = 1800
ACCESS_DENIED = 1045
"""What MySQL and MariaDB answer to a wrong user or password."""

DomainT = TypeVar("DomainT")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in Python, `DATETIME(6)` in UTC in the database. Naive ones are refused."""

    impl = DATETIME
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(fsp=6)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` as naive UTC."""
        _ = dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"A datetime without time zone reached the database: {value.isoformat()}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return `value` as aware UTC."""
        _ = dialect
        return None if value is None else value.replace(tzinfo=UTC)


def build_engine(
    *,
    host: str,
    port: int,
    database: str,
    credentials: CredentialSource,
    pool_size: int = 10,
    statement_seconds: float = STATEMENT_TIMEOUT_SECONDS,
) -> Engine:
    """Return the engine of this process; nothing is connected yet, and `credentials` are asked for by every new connection."""
    url = sqlalchemy.URL.create("mysql+pymysql", host=host, port=port, database=database, query={"charset": "utf8mb4"})
    engine = build_engine_from_url(url, pool_size=pool_size, statement_seconds=statement_seconds)

    def connect(dialect: Dialect, _record: object, arguments: tuple[Any, ...], parameters: dict[str, Any]) -> DBAPIConnection:
        return _connect(dialect, arguments, parameters, credentials)

    event.listen(engine, "do_connect", connect)
    return engine


def _connect(dialect: Dialect, arguments: tuple[Any, ...], parameters: dict[str, Any], source: CredentialSource) -> DBAPIConnection:
    """Connect with the first candidate that the database takes; what it says of the last one is raised if it takes none."""
    refusal: Exception | None = None
    for candidate in source.list_candidates():
        try:
            connection = dialect.connect(*arguments, **parameters, user=candidate.username, password=candidate.password)
        except pymysql.err.OperationalError as error:
            if error.args[0] != ACCESS_DENIED:
                raise
            refusal = error
        else:
            source.accept(candidate)
            return connection
    raise refusal or UnavailableError("There are no credentials for the database")


def build_engine_from_url(
    url: str | sqlalchemy.URL, *, pool_size: int = 10, statement_seconds: float = STATEMENT_TIMEOUT_SECONDS
) -> Engine:
    """Return an engine for a SQLAlchemy URL, with the timeouts, isolation and JSON codec that every store expects."""
    return sqlalchemy.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=RECYCLE_SECONDS,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        isolation_level="READ COMMITTED",
        json_serializer=_encode_json,
        json_deserializer=msgspec.json.decode,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "read_timeout": statement_seconds,
            "write_timeout": statement_seconds,
            "init_command": f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}",
        },
    )


def _encode_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


@contextmanager
def unit_of_work(engine: Engine, *, duplicate: str = "a row with that key") -> Iterator[Session]:
    """Yield a session; commit when the block ends, roll back when it raises.

    Raises:
        AlreadyExistsError: A unique key is taken; the message names `duplicate`.
        InvalidInputError: A value does not fit its column.
        UnavailableError: The database did not answer, or gave up on a lock.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except IntegrityError as error:
        raise AlreadyExistsError(f"{duplicate} exists already") from error
    except DataError as error:
        raise InvalidInputError(f"A value does not fit the database: {error.orig}") from error
    except (DBAPIError, PoolTimeoutError) as error:
        raise UnavailableError(f"The database did not answer: {type(error).__name__}") from error


def table_of(row_type: type[DeclarativeBase]) -> Table:
    """Return the table of a mapped class."""
    return cast("Table", row_type.__table__)


def insert_row(session: Session, row_type: type[DeclarativeBase], value: DataclassInstance, **extra: object) -> None:
    """Insert a dataclass whose fields are named as the table's columns, with `extra` columns beside."""
    table = table_of(row_type)
    row: dict[str, object] = dict(extra)
    for field in fields(value):
        content = getattr(value, field.name)
        is_json = isinstance(table.c[field.name].type, sqlalchemy.JSON)
        row[field.name] = msgspec.to_builtins(content) if is_json else content
    session.execute(table.insert().values(row))


def find_row(session: Session, statement: Select[Any], domain: type[DomainT]) -> DomainT | None:
    """Return the only row of a `select(table)` as the dataclass that has the columns' names, or None."""
    row = session.execute(statement).mappings().one_or_none()
    return None if row is None else msgspec.convert(dict(row), domain)


def list_rows(session: Session, statement: Select[Any], domain: type[DomainT]) -> list[DomainT]:
    """Return all rows of a `select(table)` as dataclasses."""
    return [msgspec.convert(dict(row), domain) for row in session.execute(statement).mappings()]


def update_rows(session: Session, row_type: type[DeclarativeBase], *conditions: ColumnElement[bool], values: Mapping[str, object]) -> int:
    """Update all rows that meet the conditions and return how many did."""
    result = session.execute(table_of(row_type).update().where(*conditions).values(dict(values)))
    return cast("CursorResult[Any]", result).rowcount


def check_database(engine: Engine) -> None:
    """Return when the database answers, or raise `UnavailableError`."""
    with unit_of_work(engine) as session:
        session.execute(sqlalchemy.text("SELECT 1"))
