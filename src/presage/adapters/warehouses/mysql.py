"""MySQL and MariaDB, by PyMySQL."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any, cast

import pymysql
import sqlalchemy
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import Cursor, SSCursor
from sqlalchemy.engine.interfaces import DBAPIConnection

from presage.adapters.warehouses.addresses import Place
from presage.adapters.warehouses.dialects import (
    CONNECT_TIMEOUT_SECONDS,
    SILENCE_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
    NativeColumn,
    WarehouseDialect,
)
from presage.errors import InvalidInputError, UnavailableError
from presage.features.sources.warehouse import WarehouseLogin

_INTEGER = NativeColumn("integer", sqlalchemy.BigInteger())
_NUMBER = NativeColumn("number")
_STRING = NativeColumn("string", sqlalchemy.String(), is_long=True)
_TIME = NativeColumn("timestamp", sqlalchemy.DateTime())
_FLAG = NativeColumn("flag", sqlalchemy.BigInteger())
_OTHER = NativeColumn("other")
_BY_TYPE: Mapping[int, NativeColumn] = {
    **dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG), _INTEGER),
    **dict.fromkeys((FIELD_TYPE.FLOAT, FIELD_TYPE.DOUBLE, FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), _NUMBER),
    **dict.fromkeys((FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.ENUM), _STRING),
    **dict.fromkeys((FIELD_TYPE.TINY_BLOB, FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.BLOB), _STRING),
    **dict.fromkeys((FIELD_TYPE.TIMESTAMP, FIELD_TYPE.DATETIME), _TIME),
}
"""Texts and bytes have the same types; bytes come as bytes, and are refused row by row."""
_DENIED = frozenset({"1044", "1045", "1142", "1143", "1698"})
_TOO_SLOW = frozenset({"3024", "1969"})
"""MySQL's and MariaDB's own."""
_REFUSED = frozenset({"1046", "1049", "1052", "1054", "1060", "1064", "1146", "1222", "1290", "1356", "1792"})


class _Rows(SSCursor):
    """Streamed rows, of which there are no more when the connection broke off."""

    connection: Any
    _result: Any

    def close(self) -> None:
        """Read what is left of the statement, so that the connection can be used again; one that is gone has nothing left."""
        if self.connection is not None and not self.connection.open:
            self.connection = None
            if self._result is not None:
                self._result.unbuffered_active = False
        super().close()

    __del__ = close


class _Connection(pymysql.Connection):
    """PyMySQL's, but for its streamed rows."""

    def cursor(self, cursor: type[Cursor] | None = None) -> Cursor:  # type: ignore[override]
        """Return a cursor of that class."""
        return super().cursor(_Rows if cursor is SSCursor else cursor)


def _connect(login: WarehouseLogin, place: Place) -> DBAPIConnection:
    tls: dict[str, Any] = {} if place.is_loopback else {"ssl": _build_context(login)}
    connection = _Connection(
        host=place.host,
        port=place.port,
        user=login.username,
        password=login.password,
        database=login.database,
        charset="utf8mb4",
        read_timeout=SILENCE_SECONDS,
        write_timeout=SILENCE_SECONDS,
        defer_connect=True,
        **tls,
    )
    connection.connect(_open_line(place))
    try:
        _set_up(connection)
    except pymysql.Error:
        connection.close()
        raise
    return cast("DBAPIConnection", connection)


def _open_line(place: Place) -> socket.socket:
    """Return a connection to a server that has begun to greet; PyMySQL would wait for that as long as for a statement."""
    try:
        line = socket.create_connection((place.address, place.port), timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            line.recv(1, socket.MSG_PEEK)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except OSError:
            line.close()
            raise
    except OSError as error:
        raise UnavailableError(f"{place.host}:{place.port} did not answer: {error}") from error
    return line


def _set_up(connection: _Connection) -> None:
    is_mariadb = "mariadb" in connection.get_server_info().lower()  # type: ignore[no-untyped-call]
    limit = f"max_statement_time={STATEMENT_TIMEOUT_SECONDS}" if is_mariadb else f"max_execution_time={STATEMENT_TIMEOUT_SECONDS * 1000}"
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION time_zone='+00:00', SESSION net_write_timeout={STATEMENT_TIMEOUT_SECONDS}, SESSION {limit}")
        cursor.execute("SET SESSION TRANSACTION READ ONLY")


def _build_context(login: WarehouseLogin) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=login.ca_certificate or None)
    except (ssl.SSLError, TypeError) as error:
        raise InvalidInputError(f"the ca_certificate is none: {error}", path="$.credential", code="tls_refused") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _tell_column(described: tuple[Any, ...]) -> NativeColumn:
    return _FLAG if described[1] == FIELD_TYPE.TINY and described[3] == 1 else _BY_TYPE.get(described[1], _OTHER)


def _read_code(error: BaseException) -> str:
    return str(error.args[0]) if error.args else ""


MYSQL = WarehouseDialect(
    "mysql+pymysql://",
    3306,
    connect=_connect,
    tell_column=_tell_column,
    read_code=_read_code,
    denied=_DENIED,
    too_slow=_TOO_SLOW,
    refused=_REFUSED.__contains__,
)
