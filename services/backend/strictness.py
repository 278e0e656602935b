"""Finds fields that a type does not have: dataclasses cannot refuse them themselves, and a typo must not pass for a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import inspect


def find_unknown_field(value: object, expected: Any) -> str | None:  # noqa: ANN401 - any type that msgspec knows
    """Return the JSONPath of the first field of decoded JSON `value` that `expected` does not have, or None."""
    return next(_find_unknown(value, _inspect(expected), "$"), None)


@lru_cache(maxsize=64)
def _inspect(expected: Any) -> inspect.Type:  # noqa: ANN401 - as above
    return inspect.type_info(expected)


def _find_unknown(value: object, expected: inspect.Type, path: str) -> Iterator[str]:
    match expected:
        case inspect.UnionType():
            yield from _find_in_union(value, expected, path)
        case inspect.StructType() | inspect.DataclassType() if isinstance(value, Mapping):
            yield from _find_in_object(value, expected, path)
        case inspect.VarTupleType() | inspect.ListType() if isinstance(value, list):
            yield from _find_in_items({f"[{index}]": item for index, item in enumerate(value)}, expected.item_type, path)
        case inspect.DictType() if isinstance(value, Mapping):
            yield from _find_in_items({f".{name}": item for name, item in value.items()}, expected.value_type, path)
        case _:
            return


def _find_in_items(items: Mapping[str, object], expected: inspect.Type, path: str) -> Iterator[str]:
    for place, item in items.items():
        yield from _find_unknown(item, expected, f"{path}{place}")


def _find_in_union(value: object, expected: inspect.UnionType, path: str) -> Iterator[str]:
    """Look at the only member of the union that is an object or a list; the others have no fields."""
    for member in expected.types:
        yield from _find_unknown(value, member, path)


def _find_in_object(value: Mapping[str, object], expected: inspect.StructType | inspect.DataclassType, path: str) -> Iterator[str]:
    fields = {field.encode_name: field.type for field in expected.fields}
    for name, content in value.items():
        if name not in fields:
            yield f"{path}.{name}"
        else:
            yield from _find_unknown(content, fields[name], f"{path}.{name}")
