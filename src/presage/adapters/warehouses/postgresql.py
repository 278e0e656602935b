"""PostgreSQL, and Redshift through its protocol, by psycopg."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from typing import Any, cast

import psycopg
import sqlalchemy
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import TimestampLoader, TimestamptzLoader
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine.interfaces import DBAPIConnection

from presage.adapters.warehouses.addresses import Place
from presage.adapters.warehouses.dialects import (
    CONNECT_TIMEOUT_SECONDS,
    SILENCE_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
    NativeColumn,
    WarehouseDialect,
)
from presage.errors import InvalidInputError
from presage.features.sources.warehouse import WarehouseLogin

_INTEGER = NativeColumn("integer", sqlalchemy.BigInteger())
_NUMBER = NativeColumn("number")
_STRING = NativeColumn("string", sqlalchemy.String())
_TEXT = NativeColumn("string", sqlalchemy.String(), is_long=True)
_OTHER = NativeColumn("other")
_BY_OID: Mapping[int, NativeColumn] = {
    16: NativeColumn("boolean"),
    **dict.fromkeys((20, 21, 23), _INTEGER),
    **dict.fromkeys((700, 701, 1700), _NUMBER),
    **dict.fromkeys((1042, 19), _STRING),
    **dict.fromkeys((25, 1043), _TEXT),
    2950: NativeColumn("uuid", sqlalchemy.Uuid(as_uuid=False)),
    1114: NativeColumn("timestamp", sqlalchemy.TIMESTAMP(timezone=False)),
    1184: NativeColumn("timestamp", sqlalchemy.TIMESTAMP(timezone=True), has_zone=True),
}
_DENIED = frozenset({"42501", "28000", "28P01"})
_TOO_SLOW = frozenset({"57014"})
_REFUSED_CLASSES = ("0A", "22", "25", "3D", "3F", "42")
"""Unsupported, data, state of the transaction (a write), no such database, no such schema, syntax and names."""


class _TimeOrText(Loader):
    """Gives a time that Python has not, such as `infinity`, as its text: its row is refused, and not the whole of them."""

    loader: type[Loader]
    """What loads those that Python has."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        """Load values of that type."""
        super().__init__(oid, context)
        self._known = self.loader(oid, context)

    def load(self, data: Buffer) -> object:
        """Return an aware or naive datetime, or a text."""
        try:
            return self._known.load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _Timestamp(_TimeOrText):
    loader = TimestampLoader


class _Timestamptz(_TimeOrText):
    loader = TimestamptzLoader


class RedshiftDialect(PGDialect_psycopg):
    """PostgreSQL's dialect without the question that Redshift does not answer."""

    supports_statement_cache = True

    def _set_backslash_escapes(self, connection: Connection) -> None:
        _ = connection
        self._backslash_escapes = False


registry.register("presage_redshift.psycopg", __name__, "RedshiftDialect")


def _connect(login: WarehouseLogin, place: Place) -> DBAPIConnection:
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authorities:
        authorities.write(login.ca_certificate)
        authorities.flush()
        connection = psycopg.connect(
            host=place.host,
            hostaddr=place.address,
            port=place.port,
            dbname=login.database,
            user=login.username,
            password=login.password,
            client_encoding="utf8",  # Redshift calls its own UNICODE
            application_name="presage",
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            tcp_user_timeout=SILENCE_SECONDS * 1000,
            keepalives_idle=30,
            gssencmode="disable",
            autocommit=True,
            **_read_tls(login, place, authorities.name),
        )
    try:
        _set_up(connection)
    except psycopg.Error:
        connection.close()
        raise
    return cast("DBAPIConnection", connection)


def _set_up(connection: psycopg.Connection) -> None:
    connection.execute("SET timezone TO 'UTC'")
    connection.execute(f"SET statement_timeout TO {STATEMENT_TIMEOUT_SECONDS * 1000}")
    connection.autocommit = False
    connection.adapters.register_loader("timestamp", _Timestamp)
    connection.adapters.register_loader("timestamptz", _Timestamptz)


def _read_tls(login: WarehouseLogin, place: Place, authorities: str) -> dict[str, Any]:
    if place.is_loopback:
        return {"sslmode": "prefer"}
    known = authorities if login.ca_certificate else ssl.get_default_verify_paths().cafile
    if known is None:
        raise InvalidInputError("the credential needs a ca_certificate: this machine knows no authorities", path="$.credential")
    return {"sslmode": "verify-full", "sslrootcert": known, "ssl_min_protocol_version": "TLSv1.2"}


def _tell_column(described: tuple[Any, ...]) -> NativeColumn:
    return _BY_OID.get(described[1], _OTHER)


def _read_code(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", None) or "")


def _is_refused(code: str) -> bool:
    return code.startswith(_REFUSED_CLASSES)


def _build(url: str, default_port: int) -> WarehouseDialect:
    return WarehouseDialect(
        url,
        default_port,
        connect=_connect,
        tell_column=_tell_column,
        read_code=_read_code,
        denied=_DENIED,
        too_slow=_TOO_SLOW,
        refused=_is_refused,
        options={"postgresql_readonly": True},
        engine_options={"use_native_hstore": False},
    )


POSTGRESQL = _build("postgresql+psycopg://", 5432)
REDSHIFT = _build("presage_redshift+psycopg://", 5439)
