"""The wire form of a prediction request, and the checks of each of its entries. A bad entry fails alone."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NoReturn

import msgspec

from presage.errors import InvalidInputError

MAX_ENTRIES = 100
MAX_ID_CHARACTERS = 256
MAX_CANDIDATES = 1_000
MAX_CANDIDATE_CHARACTERS = 50_000
MAX_VALUE = 3.4e38
CLOCK_SKEW = timedelta(seconds=5)
RESERVED = frozenset({"id", "timestamp", "candidates"})
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class PredictRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/predict`. Entries are checked one by one by `parse_entry`."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
    features: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=MAX_ENTRIES)]
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    include_features: bool = False
    explain: bool = False


class EntryError(InvalidInputError):
    """One entry cannot be answered. `code` says why and is stable; the other entries of the call are unaffected."""

    def __init__(self, code: str, message: str, *, path: str) -> None:
        """Keep the code beside the message and its JSONPath."""
        super().__init__(message, path=path, code=code)


class Query(msgspec.Struct, frozen=True):
    """One entry, checked: who is asked about, as of when, and the raw values that override looked-up ones."""

    entity_id: str | None
    predicted_for: datetime
    values: Mapping[str, float] = {}
    """By feature column; null is NaN, a boolean 0 or 1."""
    candidates: tuple[str, ...] | None = None
    explain: bool = False


def parse_entry(entry: object, *, path: str, columns: Collection[str], ranking: bool, now: datetime) -> Query:
    """Return the checked entry of a model with these feature `columns`; `path` is the entry's JSONPath.

    Raises:
        EntryError: The entry is no object, names something unknown, has a value of a wrong type or is about the future.
    """
    if not isinstance(entry, dict):
        raise EntryError("wrong_type", "An entry is an object", path=path)
    if not entry:
        raise EntryError("empty_entry", "An entry needs an `id`, `candidates` or at least one feature value", path=path)
    return Query(
        entity_id=_parse_id(entry["id"], path + ".id") if "id" in entry else None,
        predicted_for=_parse_timestamp(entry["timestamp"], path + ".timestamp", now) if "timestamp" in entry else now,
        values={name: _parse_value(name, entry[name], path, columns) for name in entry if name not in RESERVED},
        candidates=_parse_candidates(entry["candidates"], path + ".candidates", ranking=ranking) if "candidates" in entry else None,
    )


def _parse_value(name: str, value: object, path: str, columns: Collection[str]) -> float:
    if name not in columns:
        raise EntryError("unknown_feature", f"The model has no feature {name[:MAX_ID_CHARACTERS]!r}", path=_locate(path, name))
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise EntryError("wrong_type", f"Expected a number, boolean or null, got {type(value).__name__}", path=_locate(path, name))
    if not abs(value) <= MAX_VALUE:
        raise EntryError("out_of_range", f"Expected a number within ±{MAX_VALUE}", path=_locate(path, name))
    return float(value)


def _locate(path: str, name: str) -> str:
    return f"{path}.{name}" if _PLAIN_KEY.fullmatch(name) else f"{path}[{msgspec.json.encode(name).decode()}]"


def _parse_id(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise EntryError("wrong_type", f"Expected a string, got {type(value).__name__}", path=path)
    if not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise EntryError("wrong_length", f"Expected 1 to {MAX_ID_CHARACTERS} characters, got {len(value)}", path=path)
    if "\x00" in value:
        raise EntryError("malformed_id", "An id holds no NUL character", path=path)
    return value


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


def _parse_candidates(value: object, path: str, *, ranking: bool) -> tuple[str, ...]:
    if not ranking:
        raise EntryError("unexpected_candidates", "Only ranking models take candidates", path=path)
    if not isinstance(value, list):
        raise EntryError("wrong_type", f"Expected a list of item ids, got {type(value).__name__}", path=path)
    if not 1 <= len(value) <= MAX_CANDIDATES:
        raise EntryError("wrong_length", f"Expected 1 to {MAX_CANDIDATES} candidates, got {len(value)}", path=path)
    candidates = tuple(_parse_id(item, f"{path}[{position}]") for position, item in enumerate(value))
    if sum(map(len, candidates)) > MAX_CANDIDATE_CHARACTERS:
        raise EntryError("wrong_length", f"Expected candidates of at most {MAX_CANDIDATE_CHARACTERS} characters in all", path=path)
    if len(set(candidates)) < len(candidates):
        _refuse_duplicate(candidates, path)
    return candidates


def _refuse_duplicate(candidates: tuple[str, ...], path: str) -> NoReturn:
    position = next(number for number, item in enumerate(candidates) if item in candidates[:number])
    raise EntryError("duplicate_candidate", f"{candidates[position]!r} is there twice", path=f"{path}[{position}]")
