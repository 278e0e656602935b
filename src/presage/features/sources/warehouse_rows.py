"""The rows of a customer's warehouse as a source, in the order of a cursor column that grows with what is added or changed.

They are read in pages behind the last row, by (cursor, key). A database orders texts by a collation, to which several may be equal: so
a page begins with the last row that was read, and as many rows of exactly its cursor and key as were read are left out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from presage.errors import InvalidInputError, UnavailableError
from presage.features.dataset import ColumnType, Dataset
from presage.features.diagnosis import Fault
from presage.features.records import Record
from presage.features.schema.cells import LARGEST_EXACT
from presage.features.sources.model import Position, RowFault, SourceBatch
from presage.features.sources.warehouse import Bounds, Cell, CursorValue, CustomerWarehouse, Page, RowKey, WarehouseRequest
from presage.features.validation import reader_of

PAGE_ROWS = 100_000
"""Of one statement, so that none holds a snapshot of the customer's database for hours."""
ATTEMPTS = 5
"""At reading on, without a row between them."""
_BOOLEANS = {0: False, 1: True}


@dataclass(frozen=True, slots=True)
class _Place:
    """The last row that was read, how many rows of exactly its key were, and how many rows at all."""

    bounds: Bounds
    last: RowKey | None = None
    ties: int = 0
    rows: int = 0


def find_end(position: Position) -> CursorValue | None:
    """Return up to which cursor (included) an import read that ended at `position`; None if there was nothing to read."""
    return msgspec.convert(dict(position), _Place).bounds.high if position else None


class WarehouseSource:
    """`Source` on a customer's warehouse. It goes on behind any batch, up to the highest cursor that there was at the beginning."""

    def __init__(self, warehouse: CustomerWarehouse, request: WarehouseRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        self._warehouse = warehouse
        self._request = request
        self._reader = CellReader(request, dataset, now=now)

    def read(self, position: Position) -> Iterator[SourceBatch]:
        """Yield the rows behind `position`. A page that breaks off is gone on with behind its last row.

        Raises:
            InvalidInputError, ForbiddenError, UnavailableError: As for `CustomerWarehouse`; rows without a cursor or a key are refused.
        """
        place = msgspec.convert(dict(position), _Place) if position else self._begin()
        failures = 0
        while place is not None:
            before = place
            try:
                for rows in self._read_page(place):
                    place = self._move(place, rows)
                    yield self._build_batch(rows, place)
            except UnavailableError:
                failures = 1 if place.rows > before.rows else failures + 1
                if failures == ATTEMPTS:
                    raise
                self._warehouse.pause(failures)
            else:
                failures = 0
                if place.rows < before.rows + PAGE_ROWS:
                    return

    def _begin(self) -> _Place | None:
        request = self._request
        if request.since is None and (lost := self._warehouse.count_unreachable()):
            reason = (
                f"{lost:,} rows have no {request.cursor_column!r} or no {request.key_column!r}; leave them out in a query, or fill them"
            )
            raise InvalidInputError(reason, path="$.cursor_column", code="rows_without_key")
        bounds = self._warehouse.find_bounds(request.since, request.until)
        return None if bounds is None else _Place(bounds)

    def _read_page(self, place: _Place) -> Iterator[Sequence[tuple[Cell, ...]]]:
        """Yield the rows of the next page, without those that were read."""
        page = Page(self._reader.columns, place.bounds, place.last, PAGE_ROWS + place.ties)
        left = place.ties
        for rows in self._warehouse.read_page(page):
            fresh: Sequence[tuple[Cell, ...]] = rows
            if left:
                fresh = []
                for row in rows:
                    if left and self._locate(row) == place.last:
                        left -= 1
                    else:
                        fresh.append(row)
            if fresh:
                yield fresh

    def _move(self, place: _Place, rows: Sequence[tuple[Cell, ...]]) -> _Place:
        last = self._locate(rows[-1])
        ties = 0
        for row in reversed(rows):
            if self._locate(row) != last:
                break
            ties += 1
        if ties == len(rows) and last == place.last:
            ties += place.ties
        return replace(place, last=last, ties=ties, rows=place.rows + len(rows))

    def _locate(self, row: tuple[Cell, ...]) -> RowKey:
        cursor, key = row[0], row[1]
        if isinstance(cursor, int | datetime) and isinstance(key, int | str):
            return RowKey(cursor, key)
        raise InvalidInputError(f"a row has the cursor {cursor!r}, behind which nothing can be read", path="$.cursor_column")

    def _build_batch(self, rows: Iterable[tuple[Cell, ...]], place: _Place) -> SourceBatch:
        read = [self._reader.read_row(row) for row in rows]
        first = place.rows - len(read) + 1
        numbered = [replace(row, line=number) if isinstance(row, RowFault) else row for number, row in enumerate(read, start=first)]
        return SourceBatch(numbered, msgspec.to_builtins(place), _compute_fraction(place))


def _compute_fraction(place: _Place) -> float:
    low, high, reached = place.bounds.low, place.bounds.high, place.last and place.last.cursor
    if isinstance(low, datetime) and isinstance(high, datetime) and isinstance(reached, datetime):
        return (reached - low) / (high - low) if high > low else 1.0
    if isinstance(low, int) and isinstance(high, int) and isinstance(reached, int):
        return (reached - low) / (high - low) if high > low else 1.0
    return 0.0


class CellReader:
    """Makes records of rows, by the same rules as the API: nothing is cast, but integers and UUIDs as ids are texts."""

    def __init__(self, request: WarehouseRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        types = {column.name: column.type for column in dataset.columns}
        sources = request.map_columns(dataset)
        self._targets = [(name, types[name]) for name in sources]
        own = [request.cursor_column, request.key_column, request.entity_column, request.event_timestamp_column]
        if request.known_timestamp_column:
            own.append(request.known_timestamp_column)
        self.columns = (*own, *sources.values())
        self._own = len(own)
        self._has_known = request.known_timestamp_column is not None
        self._by_state = request.rows == "states"
        self._reader = reader_of(dataset.columns)
        self._now = now

    def read_row(self, row: tuple[Cell, ...]) -> Record | RowFault:
        """Return the record of a row of `columns`, or why there is none; `line` is left to the caller."""
        cursor, key = row[0], row[1]
        wire: dict[str, object] = {
            "record_id": f"{key}@{cursor.isoformat() if isinstance(cursor, datetime) else cursor}" if self._by_state else _to_text(key),
            "entity_id": _to_text(row[2]),
            "event_timestamp": row[3],
            "values": {name: _to_value(cell, kind) for (name, kind), cell in zip(self._targets, row[self._own :], strict=True)},
        }
        if self._has_known and row[4] is not None:
            wire["known_timestamp"] = row[4]
        outcome = self._reader.read_mapping(wire, now=self._now)
        return RowFault(0, outcome.code, outcome.path, outcome.message, str(key)) if isinstance(outcome, Fault) else outcome


def _to_text(cell: Cell) -> object:
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _to_value(cell: Cell, kind: ColumnType) -> object:
    """Return a flag as a boolean, an integer that no number holds exactly as a text, to be refused, and all else as it is."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        if kind == "boolean":
            return _BOOLEANS.get(cell, cell)
        return str(cell) if abs(cell) > LARGEST_EXACT else cell
    return cell
