"""Says exactly what is wrong with a wire record that did not decode: a stable code, a JSONPath, a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import msgspec

from presage.features.dataset import Column
from presage.features.limits import MAX_ENTITY_ID_LENGTH, MAX_NESTING, MAX_RECORD_ID_LENGTH, MAX_TEXT_LENGTH, RECORD_FIELDS

_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 5
_TYPE_NAMES: Mapping[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    dict: "an object",
    list: "an array",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record is invalid. `path` is a JSONPath from the record."""

    code: str
    path: str
    message: str


NESTED_TOO_DEEPLY = Fault("nested_too_deeply", "$", f"more than {MAX_NESTING} objects or arrays inside each other; a record needs 2")


def find_fault(content: object, columns: tuple[Column, ...], *, now: datetime) -> Fault | None:
    """Return the first fault of a decoded record, or None when its form is right (`now` is for the message only)."""
    if _is_nested_too_deeply(content):
        return NESTED_TOO_DEEPLY
    if not isinstance(content, dict):
        return Fault("wrong_type", "$", f"expected an object, got {_describe(content)}")
    return next(_faults(content, columns, now), None)


def _is_nested_too_deeply(content: object) -> bool:
    """Look level by level, so that no depth is too much for Python's own stack."""
    level = [content]
    for _ in range(MAX_NESTING):
        level = [inner for outer in level for inner in _members(outer) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _members(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _faults(content: Mapping[str, object], columns: tuple[Column, ...], now: datetime) -> Iterator[Fault]:
    for name in content:
        if name not in RECORD_FIELDS:
            yield Fault("unknown_field", _place("$", name), f"unknown field {_show(name)}; expected {', '.join(RECORD_FIELDS)}")
    yield from _identifier_faults(content, "entity_id", MAX_ENTITY_ID_LENGTH, required=True)
    yield from _timestamp_faults(content, "event_timestamp", now, required=True)
    yield from _identifier_faults(content, "record_id", MAX_RECORD_ID_LENGTH, required=False)
    yield from _timestamp_faults(content, "known_timestamp", now, required=False)
    yield from _values_faults(content, columns)


def _identifier_faults(content: Mapping[str, object], field: str, limit: int, *, required: bool) -> Iterator[Fault]:
    value, path = content.get(field), f"$.{field}"
    if value is None:
        if required:
            yield Fault(f"missing_{field}", path, f"{field} is missing; expected a string of 1 to {limit} characters")
        elif field in content:
            yield Fault("wrong_type", path, "expected a string or nothing, got null")
    elif not isinstance(value, str):
        yield Fault("wrong_type", path, f"expected a string, got {_describe(value)}")
    elif not value:
        yield Fault(f"missing_{field}", path, f"{field} is empty; expected a string of 1 to {limit} characters")
    else:
        yield from _text_faults(value, path, limit)


def _text_faults(value: str, path: str, limit: int) -> Iterator[Fault]:
    if len(value) > limit:
        yield Fault("too_long", path, f"{len(value)} characters; at most {limit} are taken")
    if "\0" in value:
        yield Fault("invalid_character", path, "the character U+0000 cannot be stored")


def _timestamp_faults(content: Mapping[str, object], field: str, now: datetime, *, required: bool) -> Iterator[Fault]:
    value, path = content.get(field), f"$.{field}"
    if value is None:
        if required:
            yield Fault(f"missing_{field}", path, f"{field} is missing; expected RFC 3339 with an offset, such as {now.isoformat()}")
        elif field in content:
            yield Fault("wrong_type", path, "expected an RFC 3339 string or nothing, got null")
        return
    if not isinstance(value, str | datetime):
        yield Fault("wrong_type", path, f"expected an RFC 3339 string, got {_describe(value)}")
        return
    try:
        instant = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        yield Fault("malformed_timestamp", path, f"{_show(value)}: expected RFC 3339 with an offset, such as {now.isoformat()}")
        return
    if instant.tzinfo is None:
        yield Fault("timestamp_without_offset", path, f"{_show(value)} has no offset; append Z for UTC")
        return
    try:
        instant.timestamp()
        instant.astimezone(now.tzinfo)
    except OverflowError:
        yield Fault("timestamp_out_of_range", path, f"{_show(value)}: expected 1900 or later")


def _values_faults(content: Mapping[str, object], columns: tuple[Column, ...]) -> Iterator[Fault]:
    values = content.get("values")
    if values is None:
        yield Fault("missing_values", "$.values", "values is missing; expected an object of the dataset's columns")
        return
    if not isinstance(values, dict):
        yield Fault("wrong_type", "$.values", f"expected an object, got {_describe(values)}")
        return
    types = {column.name: column.type for column in columns}
    for name, value in values.items():
        path = _place("$.values", name)
        if name not in types:
            yield Fault("unknown_column", path, f"{_show(name)} is not one of the columns {_list(types)}")
        elif value is not None:
            yield from _value_faults(value, types[name], path)


def _value_faults(value: object, expected: str, path: str) -> Iterator[Fault]:
    if expected == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Fault("wrong_type", path, f"expected a number, got {_describe(value)}")
        elif not _is_finite(value):
            yield Fault("non_finite_number", path, f"{_show(value)}: expected a finite number")
    elif expected == "boolean":
        if not isinstance(value, bool):
            yield Fault("wrong_type", path, f"expected a boolean, got {_describe(value)}")
    elif not isinstance(value, str):
        yield Fault("wrong_type", path, f"expected a string, got {_describe(value)}")
    else:
        yield from _text_faults(value, path, MAX_TEXT_LENGTH)


def _is_finite(value: float) -> bool:
    try:
        return isfinite(float(value))
    except OverflowError:
        return False


def _describe(value: object) -> str:
    return f"{_TYPE_NAMES.get(type(value), type(value).__name__)} ({_show(value)})"


def _place(parent: str, name: str) -> str:
    return f"{parent}.{name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + '…'}"


def _list(names: Iterable[str]) -> str:
    """Return the first names only: an answer holds a message for each of up to 500 records."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN_NAMES} more" if len(ordered) > _SHOWN_NAMES else ""
    return ", ".join(ordered[:_SHOWN_NAMES]) + more


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
