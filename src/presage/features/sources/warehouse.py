"""A customer's warehouse, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset, Scalar

WarehouseKind = Literal["postgresql", "mysql", "redshift"]
WarehouseRows = Literal["events", "states"]
CellKind = Literal["integer", "number", "flag", "boolean", "string", "uuid", "timestamp", "other"]
"""What a column is declared as in its database; `flag` is MySQL's `TINYINT(1)`, which is how it has booleans."""
Cell = Scalar | datetime
CursorValue = int | datetime
KeyValue = int | str

MAX_QUERY_LENGTH = 20_000
MAX_NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class WarehouseLogin:
    """What a customer's warehouse is read with, as a credential has it; `ca_certificate` (PEM) in place of the public authorities."""

    host: str
    database: str
    username: str
    password: str
    port: str = ""
    ca_certificate: str = ""

    def __repr__(self) -> str:
        """Return no secret: tracebacks and logs show values."""
        return f"WarehouseLogin({self.host!r}, …)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRequest:
    """What is read: the rows of `table` (`schema.table`) or `query` whose cursor is in [`since`, `until`).

    `key_column` is unique. In `events` it names the record; in `states`, rows that are changed in place, key and cursor do. `columns`
    says which column a dataset's values are, None for none; one that is left out is the column of its name.
    """

    cursor_column: str
    key_column: str
    entity_column: str
    event_timestamp_column: str
    known_timestamp_column: str | None = None
    table: str | None = None
    query: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    rows: WarehouseRows = "events"
    since: CursorValue | None = None
    until: CursorValue | None = None

    def map_columns(self, dataset: Dataset) -> dict[str, str]:
        """Return the warehouse's column of each of the dataset's, and of those that it is to get."""
        mapping = {column.name: column.name for column in dataset.columns} | dict(self.columns)
        return {name: source for name, source in mapping.items() if source is not None}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and the highest cursor of what is read, both included."""

    low: CursorValue
    high: CursorValue


@dataclass(frozen=True, slots=True)
class RowKey:
    """Where a row is in the order of reading."""

    cursor: CursorValue
    key: KeyValue


@dataclass(frozen=True, slots=True)
class Page:
    """Rows to read: their `columns`, from `start` on (included) if it is given, at most `limit`."""

    columns: Sequence[str]
    bounds: Bounds
    start: RowKey | None
    limit: int


class CustomerWarehouse(Protocol):
    """The table or the query of one request. Times are aware UTC; those without a zone are taken as UTC.

    Every method raises `ForbiddenError` or `InvalidInputError` when the warehouse refuses the login or the statement, or may not be
    connected to, and `UnavailableError` when it did not answer, or broke off.
    """

    def describe(self) -> Mapping[str, CellKind]:
        """Return the columns and what they are declared as."""

    def find_bounds(self, since: CursorValue | None, until: CursorValue | None) -> Bounds | None:
        """Return the bounds of the rows in [`since`, `until`), None if there are none."""

    def count_unreachable(self) -> int:
        """Return how many rows have no cursor or no key."""

    def read_page(self, page: Page) -> Iterator[Sequence[tuple[Cell, ...]]]:
        """Yield rows in the order of cursor and key, some at a time."""

    def pause(self, attempt: int) -> None:
        """Wait before trying again after so many attempts."""


def check_warehouse_request(request: WarehouseRequest) -> None:
    """Refuse what can be seen to be wrong without a warehouse.

    Raises:
        InvalidInputError: `path` says which member.
    """
    if (request.table is None) == (request.query is None):
        raise InvalidInputError("expected either a table or a query", path="$.table")
    if request.query is not None and ("\0" in request.query or not 0 < len(request.query.strip()) <= MAX_QUERY_LENGTH):
        raise InvalidInputError(f"{len(request.query)} characters; expected a SELECT of at most {MAX_QUERY_LENGTH}, no NUL", path="$.query")
    named = {
        "$.table": request.table,
        "$.cursor_column": request.cursor_column,
        "$.key_column": request.key_column,
        "$.entity_column": request.entity_column,
        "$.event_timestamp_column": request.event_timestamp_column,
        "$.known_timestamp_column": request.known_timestamp_column,
        **{f"$.columns.{name}": column for name, column in request.columns.items()},
    }
    for path, name in named.items():
        if name is not None and not (0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()):
            raise InvalidInputError(f"{name[:60]!r}: expected a name of 1 to {MAX_NAME_LENGTH} printable characters", path=path)
    _check_interval(request.since, request.until)


def _check_interval(since: CursorValue | None, until: CursorValue | None) -> None:
    for path, bound in (("$.since", since), ("$.until", until)):
        if isinstance(bound, datetime) and bound.tzinfo is None:
            raise InvalidInputError(f"{bound.isoformat()} has no offset; append Z for UTC", path=path)
    if since is None or until is None:
        return
    if isinstance(since, datetime) != isinstance(until, datetime):
        raise InvalidInputError("since and until are not of one type", path="$.until")
    if since >= until:  # type: ignore[operator]
        raise InvalidInputError(f"{until}: expected later than {since}", path="$.until")
