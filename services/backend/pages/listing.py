"""Lists on pages: what their URL asks for, and what the table's head and foot need to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import g, request

from presage.listing import Listing, ListPage, ListQuery, is_time
from services.backend.paging import read_limit

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class ListView(Generic[ItemT]):
    """A page of a list as its template shows it; `choices` are the values of each filter."""

    query: ListQuery
    page: ListPage[ItemT]
    sorts: Sequence[str]
    is_searched: bool
    choices: Mapping[str, Sequence[str]]

    @property
    def is_narrowed(self) -> bool:
        """Return whether an empty page may have items without its text and filters."""
        return bool(self.query.text or self.query.filters)

    def flip(self, column: str) -> str:
        """Return the `sort` that a click on a column's head asks for."""
        return f"-{column}" if self.query.sort == column and not self.query.descending else column


def read_list(listing: Listing[ItemT], *, choices: Mapping[str, Sequence[str]] | None = None) -> ListView[ItemT]:
    """Return the page of the visitor's workspace that the URL asks for: `?sort=-name&q=…&<filter>=…&after=…&limit=…`.

    Raises:
        InvalidInputError: It asks for what the list has not.
    """
    shape = listing.shape
    sort = request.args.get("sort") or _choose_order(shape.sorts[0])
    query = ListQuery(
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        text=request.args.get("q", "").strip(),
        filters={name: request.args[name] for name in shape.filters if request.args.get(name)},
        after=request.args.get("after") or None,
        limit=read_limit(),
    )
    page = listing.search(g.user.workspace_id, query)
    return ListView(query, page, shape.sorts, bool(shape.searched), choices or {})


def _choose_order(column: str) -> str:
    return f"-{column}" if is_time(column) else column
