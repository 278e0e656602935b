"""Lists that a person looks through: sorted by a column, narrowed by text and by exact values, a page at a time.

A page goes on behind a row, not after a number of rows, so that it costs the same wherever it is and skips nothing that is added meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from presage.errors import InvalidInputError

ItemT = TypeVar("ItemT")
SortValue = str | datetime

LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class ListShape:
    """What a list can be asked: `identity` is its rows' id, `sorts` and `searched` are columns of text or time, `filters` of text.

    The first of `sorts` is the order of who asks for none: times newest first, texts from A.
    """

    identity: str
    sorts: tuple[str, ...]
    searched: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What of a list is asked for; `after` is `next` of the page before."""

    sort: str
    descending: bool = False
    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ListPage(Generic[ItemT]):
    """One page; `next` is None at the end."""

    items: Sequence[ItemT]
    next: str | None


class Listing(Protocol[ItemT]):
    """One kind of a workspace's things as a list (MySQL)."""

    @property
    def shape(self) -> ListShape:
        """Return what can be asked."""

    def search(self, workspace_id: str, query: ListQuery) -> ListPage[ItemT]:
        """Return a page.

        Raises:
            InvalidInputError: The query names a column that the shape has not, or `after` is no page's `next`.
        """


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    sort: str
    text: str | None
    time: datetime | None
    identity: str


def is_time(column: str) -> bool:
    """Return whether a column that lists are sorted by holds times, as its name tells."""
    return column.endswith("_at")


def check_query(query: ListQuery, shape: ListShape) -> None:
    """Raise `InvalidInputError` if the query asks for what the shape has not."""
    if query.sort not in shape.sorts:
        raise InvalidInputError(f"sort is one of {', '.join(shape.sorts)}, got {query.sort[:50]!r}", path="?sort")
    for name in query.filters:
        if name not in shape.filters:
            raise InvalidInputError(f"There is no filter {name[:50]!r}", path=f"?{name[:50]}")
    if len(query.text) > LONGEST_TEXT:
        raise InvalidInputError(f"The text to search has at most {LONGEST_TEXT} characters", path="?q")


def build_mark(query: ListQuery, shape: ListShape, last: object) -> str:
    """Return the `next` of a page that ends with `last`."""
    value = getattr(last, query.sort)
    text, time = (None, value) if isinstance(value, datetime) else (value, None)
    mark = _Mark(query.sort, text, time, getattr(last, shape.identity))
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).rstrip(b"=").decode()


def read_mark(query: ListQuery) -> tuple[SortValue, str] | None:
    """Return the sorted column's value and the id of the row that a page goes on behind, None for the first page.

    Raises:
        InvalidInputError: It is no `next` of such a page.
    """
    if query.after is None:
        return None
    try:
        text = query.after.encode("ascii")
        mark = msgspec.json.decode(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)), type=_Mark)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidInputError("after is `next` of the page before", path="?after") from error
    value = mark.time or mark.text
    if mark.sort != query.sort or value is None or isinstance(value, datetime) != is_time(query.sort):
        raise InvalidInputError("after is of a page in another order; begin at the first page", path="?after")
    return value, mark.identity
