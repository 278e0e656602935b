"""Checks of the values that entries are made of; each fault has its code and its place."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from presage.errors import InvalidInputError

MAX_ID_CHARACTERS = 256
MAX_ITEMS = 1_000
MAX_ITEM_CHARACTERS = 50_000
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EntryError(InvalidInputError):
    """One entry cannot be answered. `code` says why and is stable; the other entries of the call are unaffected."""

    def __init__(self, code: str, message: str, *, path: str) -> None:
        """Keep the code beside the message and its JSONPath."""
        super().__init__(message, path=path, code=code)


def locate(path: str, name: str) -> str:
    """Return the JSONPath of a key below `path`."""
    return f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{msgspec.json.encode(name).decode()}]"


def parse_id(value: object, path: str) -> str:
    """Return the id of an entity or an item.

    Raises:
        EntryError: It is none.
    """
    if not isinstance(value, str):
        raise EntryError("wrong_type", f"Expected a string, got {type(value).__name__}", path=path)
    if not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise EntryError("wrong_length", f"Expected 1 to {MAX_ID_CHARACTERS} characters, got {len(value)}", path=path)
    if "\x00" in value:
        raise EntryError("malformed_id", "An id holds no NUL character", path=path)
    return value


def parse_items(value: object, path: str, *, least: int) -> tuple[str, ...]:
    """Return a list of `least` to `MAX_ITEMS` item ids.

    Raises:
        EntryError: It is none.
    """
    if not isinstance(value, list):
        raise EntryError("wrong_type", f"Expected a list of item ids, got {type(value).__name__}", path=path)
    if not least <= len(value) <= MAX_ITEMS:
        raise EntryError("wrong_length", f"Expected {least} to {MAX_ITEMS} items, got {len(value)}", path=path)
    items = tuple(parse_id(item, f"{path}[{position}]") for position, item in enumerate(value))
    if sum(map(len, items)) > MAX_ITEM_CHARACTERS:
        raise EntryError("wrong_length", f"Expected items of at most {MAX_ITEM_CHARACTERS} characters in all", path=path)
    return items


def parse_part(value: object, kind: Any, *, path: str, code: str) -> Any:  # noqa: ANN401 - `kind` says what it is
    """Return `value` as a `kind`.

    Raises:
        EntryError: It is none: `code`, at the place in it.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise EntryError(code, message, path=path + place.rstrip("`")) from error
