"""Lists of what is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from presage.listing import ListPage, ListQuery, ListShape, build_mark, check_query, read_mark

ItemT = TypeVar("ItemT")


class MemoryListing(Generic[ItemT]):
    """`Listing` of what `read` returns of a workspace."""

    def __init__(self, shape: ListShape, read: Callable[[str], Iterable[ItemT]]) -> None:
        self.shape = shape
        self._read = read

    def search(self, workspace_id: str, query: ListQuery) -> ListPage[ItemT]:
        """Return a page."""
        check_query(query, self.shape)
        found = sorted((item for item in self._read(workspace_id) if self._fits(item, query)), key=self._order(query))
        found = found[::-1] if query.descending else found
        mark = read_mark(query)
        if mark is not None:
            found = [item for item in found if _is_behind(self._order(query)(item), mark, descending=query.descending)]
        page = found[: query.limit]
        return ListPage(page, build_mark(query, self.shape, page[-1]) if len(found) > query.limit else None)

    def _order(self, query: ListQuery) -> Callable[[ItemT], tuple[object, str]]:
        return lambda item: (getattr(item, query.sort), getattr(item, self.shape.identity))

    def _fits(self, item: ItemT, query: ListQuery) -> bool:
        wanted = query.text.casefold()
        named = not wanted or any(wanted in str(getattr(item, column)).casefold() for column in self.shape.searched)
        return named and all(getattr(item, column) == value for column, value in query.filters.items())


def _is_behind(place: tuple[object, str], mark: tuple[object, str], *, descending: bool) -> bool:
    return place < mark if descending else place > mark
