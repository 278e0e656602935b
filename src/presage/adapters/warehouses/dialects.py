"""What differs between warehouses: how a connection is made, what its types are called, what its refusals mean.

A connection is read-only, in UTC, with a limit on each statement; encrypted, with the certificate checked, unless it stays on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.types import TypeEngine

from presage.adapters.warehouses.addresses import Place
from presage.features.sources.warehouse import CellKind, WarehouseLogin

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 600
SILENCE_SECONDS = 660
"""After which a connection counts as cut: a statement that was ended by its limit has said so by then."""


@dataclass(frozen=True, slots=True)
class NativeColumn:
    """A column as its database has it: what it is to us, as what values are compared with it, and whether its times have a zone.

    Values of one that `is_long` may be of any length.
    """

    kind: CellKind
    type: TypeEngine[Any] = field(default_factory=sqlalchemy.types.NullType)
    has_zone: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class WarehouseDialect:
    """One kind of warehouse. `tell_column` judges an entry of a cursor's description; the codes are those of its errors."""

    url: str
    default_port: int
    connect: Callable[[WarehouseLogin, Place], DBAPIConnection]
    tell_column: Callable[[tuple[Any, ...]], NativeColumn]
    read_code: Callable[[BaseException], str]
    denied: frozenset[str]
    too_slow: frozenset[str]
    refused: Callable[[str], bool]
    options: Mapping[str, Any] = field(default_factory=dict)
    engine_options: Mapping[str, Any] = field(default_factory=dict)
