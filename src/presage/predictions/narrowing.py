"""Which candidates of a ranking may be shown: those that are not excluded, and whose feature values pass every filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from presage.predictions.entry_values import MAX_ID_CHARACTERS, EntryError, locate, parse_items, parse_part
from presage.predictions.snapshot import FloatArray

MAX_FILTER_VALUES = 100
Value = float | bool | None
Mask = npt.NDArray[np.bool_]


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values from `min` to `max`, both included. Null is in no range."""

    min: float = -math.inf
    max: float = math.inf


Condition = Value | Annotated[tuple[Value, ...], msgspec.Meta(min_length=1, max_length=MAX_FILTER_VALUES)] | Range
"""What a feature must be, as the wire has it: this value, one of these, or in this range."""


class Narrowing(msgspec.Struct, frozen=True):
    """What a request takes out of the candidates. `filters` are by feature column, and all have to hold."""

    excluded: frozenset[str] = frozenset()
    filters: Mapping[str, Condition] = {}

    def exclude(self, items: Sequence[str]) -> tuple[str, ...]:
        """Return the items that are not excluded, in order."""
        return tuple(item for item in items if item not in self.excluded)

    def choose(self, items: Sequence[str], read: Callable[[str], FloatArray]) -> list[int]:
        """Return the positions of the items that may be shown; `read` gives a column's values, one an item, null as NaN."""
        passed = np.array([item not in self.excluded for item in items], dtype=np.bool_)
        for column, condition in self.filters.items():
            passed &= _holds(condition, read(column))
        return np.flatnonzero(passed).tolist()


def parse_narrowing(entry: Mapping[str, object], path: str, item_columns: Collection[str]) -> Narrowing | None:
    """Return what the entry's `exclude` and `filters` take out of the candidates; None if nothing.

    Raises:
        EntryError: They are malformed, or filter by what is no feature of the model's items.
    """
    excluded = frozenset(parse_items(entry["exclude"], path + ".exclude", least=0)) if "exclude" in entry else frozenset()
    filters = _parse_filters(entry["filters"], path + ".filters", item_columns) if "filters" in entry else {}
    return Narrowing(excluded, filters) if excluded or filters else None


def _parse_filters(value: object, path: str, item_columns: Collection[str]) -> dict[str, Condition]:
    if not isinstance(value, dict):
        raise EntryError("wrong_type", f"Expected an object of conditions by column, got {type(value).__name__}", path=path)
    for name in value:
        if name not in item_columns:
            message = f"The model's items have no feature {name[:MAX_ID_CHARACTERS]!r}"
            raise EntryError("unknown_feature", message, path=locate(path, name))
    return {name: _parse_condition(value[name], locate(path, name)) for name in value}


def _parse_condition(value: object, path: str) -> Condition:
    condition: Condition = parse_part(value, Condition, path=path, code="malformed_filter")
    if isinstance(condition, Range) and (condition == Range() or condition.min > condition.max):
        raise EntryError("malformed_filter", "A range has a `min`, a `max` or both, and the first is not above the second", path=path)
    return condition


def _holds(condition: Condition, found: FloatArray) -> Mask:
    if isinstance(condition, Range):
        return (found >= condition.min) & (found <= condition.max)
    wanted = condition if isinstance(condition, tuple) else (condition,)
    same: Mask = np.isin(found, [float(value) for value in wanted if value is not None])
    return same | np.isnan(found) if None in wanted else same
