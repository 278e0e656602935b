"""Pages: `?limit=` and `?after=` in, `items` and `next` out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import msgspec
from flask import request

from presage.errors import InvalidInputError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
VERSION_DIGITS = 9
INSTANT = "RFC 3339 with an offset, such as 2026-01-31T12:00:00Z"

ItemT = TypeVar("ItemT")


class Page(msgspec.Struct, frozen=True):
    """One page; `next` is what to send as `after` for the next one, null at the end."""

    items: Sequence[object]
    next: str | None = None


def read_page(read: Callable[[str, int], Sequence[ItemT]], *, identify: Callable[[ItemT], str]) -> tuple[Sequence[ItemT], str | None]:
    """Return the items that the request asks for and the id to go on behind; `read` takes (after, limit).

    Raises:
        InvalidInputError: `limit` is not a number from 1 to 200.
    """
    limit = read_limit()
    items = read(request.args.get("after", ""), limit + 1)
    has_more = len(items) > limit
    return items[:limit], identify(items[limit - 1]) if has_more else None


def read_version(after: str) -> int | None:
    """Return the version that a page of versions goes on behind, None for the first page.

    Raises:
        InvalidInputError: It is none.
    """
    if not after:
        return None
    if not (after.isascii() and after.isdigit() and len(after) <= VERSION_DIGITS):
        raise InvalidInputError(f"after is `next` of the page before, got {after[:50]!r}", path="?after")
    return int(after)


def read_limit() -> int:
    """Return the page size that the request asks for.

    Raises:
        InvalidInputError: It is not a number from 1 to 200.
    """
    text = request.args.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
        raise InvalidInputError(f"limit is a number from 1 to {MAX_LIMIT}, got {text[:50]!r}", path="?limit")
    return int(text)


def read_choices(name: str, choices: Any) -> list[Any]:  # noqa: ANN401 - a Literal is no type to mypy
    """Return the values of a parameter that may be there several times, each one of the Literal `choices`.

    Raises:
        InvalidInputError: One is none of them.
    """
    try:
        return msgspec.convert(request.args.getlist(name), list[choices])
    except msgspec.ValidationError as error:
        expected = ", ".join(get_args(choices))
        raise InvalidInputError(f"{name} is one of {expected}, got {request.args.getlist(name)!r}"[:500], path=f"?{name}") from error


def read_instant(name: str, text: str, expected: str = INSTANT) -> datetime:
    """Return the time that a parameter names, in UTC.

    Raises:
        InvalidInputError: It is none, or has no offset.
    """
    try:
        instant = msgspec.convert(text, datetime)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidInputError(f"{name} is {expected}, got {text[:50]!r}", path=f"?{name}") from error
    raise InvalidInputError(f"{name} is {expected}, got {text[:50]!r}", path=f"?{name}")
