"""A customer's warehouse in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from presage.features.sources.warehouse import Bounds, Cell, CellKind, CursorValue, Page, WarehouseRequest

Row = Mapping[str, Cell]
_BATCH_ROWS = 2


class MemoryCustomerWarehouse:
    """`CustomerWarehouse` on rows, which are looked at as they are when a page is read.

    `interrupt` is called for each batch with its number and may raise; `pages` are those that were asked for, `pauses` the attempts.
    """

    def __init__(self, request: WarehouseRequest, columns: Mapping[str, CellKind], rows: Sequence[Row]) -> None:
        """Serve `rows` in the order of the request's cursor and key; a key is ordered without regard to case, as a collation may."""
        self._request = request
        self._columns = columns
        self.rows = list(rows)
        self.interrupt: Callable[[int], None] = lambda _: None
        self.pages: list[Page] = []
        self.pauses: list[int] = []
        self._batches = 0

    def describe(self) -> Mapping[str, CellKind]:
        """Return the columns and what they are declared as."""
        return self._columns

    def find_bounds(self, since: CursorValue | None, until: CursorValue | None) -> Bounds | None:
        """Return the bounds of the rows in [`since`, `until`), None if there are none."""
        cursors = [cursor for row in self.rows if (cursor := _as_cursor(row[self._request.cursor_column])) is not None]
        inside = [cursor for cursor in cursors if (since is None or cursor >= since) and (until is None or cursor < until)]  # type: ignore[operator]
        return Bounds(min(inside), max(inside)) if inside else None

    def count_unreachable(self) -> int:
        """Return how many rows have no cursor or no key."""
        own = (self._request.cursor_column, self._request.key_column)
        return sum(any(row[name] is None for name in own) for row in self.rows)

    def read_page(self, page: Page) -> Iterator[Sequence[tuple[Cell, ...]]]:
        """Yield rows in the order of cursor and key, two at a time."""
        self.pages.append(page)
        bounds = (page.bounds.low, ""), (page.bounds.high, "\uffff")
        start = bounds[0] if page.start is None else (page.start.cursor, _fold(page.start.key))
        found = sorted((self._order(row), number) for number, row in enumerate(self.rows) if start <= self._order(row) <= bounds[1])
        rows = [self.rows[number] for _, number in found[: page.limit]]
        for first in range(0, len(rows), _BATCH_ROWS):
            self._batches += 1
            self.interrupt(self._batches)
            yield [tuple(row[name] for name in page.columns) for row in rows[first : first + _BATCH_ROWS]]

    def pause(self, attempt: int) -> None:
        """Note the attempt."""
        self.pauses.append(attempt)

    def _order(self, row: Row) -> tuple[CursorValue, str]:
        cursor = _as_cursor(row[self._request.cursor_column])
        return (0 if cursor is None else cursor), _fold(row[self._request.key_column])


def _as_cursor(cell: Cell) -> CursorValue | None:
    return cell if isinstance(cell, int | datetime) else None


def _fold(key: Cell) -> str:
    return f"{key:012d}" if isinstance(key, int) else str(key).lower()
