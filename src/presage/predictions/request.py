"""The wire form of a prediction request, and the checks of each of its entries. A bad entry fails alone."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

import msgspec

from presage.predictions.entry_values import MAX_ID_CHARACTERS, EntryError, locate, parse_id, parse_items
from presage.predictions.exploration import Exploration, parse_exploration
from presage.predictions.narrowing import Narrowing, parse_narrowing
from presage.training.spec import DERIVED

MAX_ENTRIES = 100
MAX_VALUE = 3.4e38
MAX_VERSION = 2_147_483_647
CLOCK_SKEW = timedelta(seconds=5)
RESERVED = frozenset({"id", "timestamp"})
RANKING_OPTIONS = frozenset({"candidates", "exclude", "filters", "exploration"})
_NONE: Mapping[str, Mapping[str, float]] = {}
_RESERVED_IN_RANKINGS = RESERVED | RANKING_OPTIONS


class PredictRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/predict`. Entries are checked one by one by `parse_entry`."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
    features: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_ENTRIES)]
    version: (
        Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)] | Annotated[float, msgspec.Meta(ge=1, le=MAX_VERSION, multiple_of=1)] | None
    ) = None
    """To JSON 1.0 is the integer 1: it is taken, 1.5 is not."""
    include_features: bool = False
    explain: bool = False


class Query(msgspec.Struct, frozen=True):
    """One entry, checked: who is asked about, as of when, and the raw values that override looked-up ones."""

    entity_id: str | None
    predicted_for: datetime
    values: Mapping[str, float] = {}
    """By feature column; null is NaN, a boolean 0 or 1."""
    candidates: tuple[str, ...] | None = None
    narrowing: Narrowing | None = None
    exploration: Exploration | None = None
    seed: str = ""
    """What determines chance, where there is any: the prediction's id."""
    explain: bool = False


def find_only_id(entry: object) -> str | None:
    """Return the entity of an entry that is nothing but a good id, None for any other: most entries need no more of a check."""
    if type(entry) is dict and len(entry) == 1:
        found = entry.get("id")
        if type(found) is str and 0 < len(found) <= MAX_ID_CHARACTERS and "\x00" not in found:
            return found
    return None


def parse_entry(
    entry: object,
    *,
    path: str,
    columns: Collection[str],
    item_columns: Collection[str] | None,
    now: datetime,
    categories: Mapping[str, Mapping[str, float]] = _NONE,
) -> Query:
    """Return the checked entry of a model with these feature `columns`; `path` is the entry's JSONPath.

    `item_columns` are those of a ranking's items; None for other models. `categories` are columns that take strings, with the numbers
    that stand for them.

    Raises:
        EntryError: The entry is no object, names something unknown, has a value of a wrong type or is about the future.
    """
    if not isinstance(entry, dict):
        raise EntryError("wrong_type", "An entry is an object", path=path)
    if not entry:
        raise EntryError("empty_entry", "An entry needs an `id`, `candidates` or at least one feature value", path=path)
    reserved = RESERVED if item_columns is None else _RESERVED_IN_RANKINGS
    query = Query(
        entity_id=parse_id(entry["id"], path + ".id") if "id" in entry else None,
        predicted_for=_parse_timestamp(entry["timestamp"], path + ".timestamp", now) if "timestamp" in entry else now,
        values=_parse_values(_name_numbers(entry, categories) if categories else entry, path, columns, reserved),
    )
    if item_columns is None or RANKING_OPTIONS.isdisjoint(entry):
        return query
    return msgspec.structs.replace(
        query,
        candidates=_parse_candidates(entry["candidates"], path + ".candidates") if "candidates" in entry else None,
        narrowing=parse_narrowing(entry, path, item_columns),
        exploration=parse_exploration(entry["exploration"], path + ".exploration") if "exploration" in entry else None,
    )


def _name_numbers(entry: Mapping[str, object], categories: Mapping[str, Mapping[str, float]]) -> Mapping[str, object]:
    """Return the entry with the numbers of named categories in their place; a name that is none has the number behind them."""
    named = {name: value for name, value in entry.items() if name in categories and isinstance(value, str)}
    return {**entry, **{name: categories[name].get(value, float(len(categories[name]))) for name, value in named.items()}}


def _parse_values(entry: Mapping[str, object], path: str, columns: Collection[str], reserved: Collection[str]) -> Mapping[str, float]:
    values: dict[str, float] = {}
    for name, value in entry.items():
        if type(value) is float and -MAX_VALUE <= value <= MAX_VALUE and name in columns and name not in reserved:
            values[name] = value  # what nearly all are, without a call
        elif name not in reserved:
            values[name] = _parse_value(name, value, path, columns)
    return values


def _parse_value(name: str, value: object, path: str, columns: Collection[str]) -> float:
    if name not in columns:
        _refuse_name(name, path)
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise EntryError("wrong_type", f"Expected a number, boolean or null, got {type(value).__name__}", path=locate(path, name))
    if not abs(value) <= MAX_VALUE:
        raise EntryError("out_of_range", f"Expected a number within ±{MAX_VALUE}", path=locate(path, name))
    return float(value)


def _refuse_name(name: str, path: str) -> NoReturn:
    if name in RANKING_OPTIONS:
        raise EntryError(f"unexpected_{name}", f"Only ranking models take {name}", path=locate(path, name))
    if name.startswith(f"{DERIVED}__"):
        raise EntryError("derived_feature", "Derived features are computed from the others, not given", path=locate(path, name))
    raise EntryError("unknown_feature", f"The model has no feature {name[:MAX_ID_CHARACTERS]!r}", path=locate(path, name))


def _parse_timestamp(value: object, path: str, now: datetime) -> datetime:
    if not isinstance(value, str):
        raise EntryError("wrong_type", f"Expected an RFC 3339 string, got {type(value).__name__}", path=path)
    try:
        timestamp = msgspec.convert(value, datetime)
    except msgspec.ValidationError as error:
        raise EntryError("malformed_timestamp", f"Expected RFC 3339, got {value[:64]!r}", path=path) from error
    if timestamp.tzinfo is None:
        raise EntryError("timestamp_without_offset", f"Expected an offset, such as Z, got {value[:64]!r}", path=path)
    timestamp = _to_utc(timestamp, value, path)
    if timestamp > now + CLOCK_SKEW:
        raise EntryError("future_timestamp", f"{value[:64]!r} is in the future", path=path)
    return timestamp


def _to_utc(timestamp: datetime, text: str, path: str) -> datetime:
    try:
        return timestamp.astimezone(UTC)
    except OverflowError as error:
        raise EntryError("malformed_timestamp", f"{text[:64]!r} is out of range", path=path) from error


def _parse_candidates(value: object, path: str) -> tuple[str, ...]:
    candidates = parse_items(value, path, least=1)
    if len(set(candidates)) < len(candidates):
        _refuse_duplicate(candidates, path)
    return candidates


def _refuse_duplicate(candidates: tuple[str, ...], path: str) -> NoReturn:
    position = next(number for number, item in enumerate(candidates) if item in candidates[:number])
    raise EntryError("duplicate_candidate", f"{candidates[position]!r} is there twice", path=f"{path}[{position}]")
