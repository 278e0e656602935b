"""Checks wire records against a dataset and turns them into `Record`s.

Every record is judged alone. The fast path decodes straight into a struct made from the dataset's columns (about a
microsecond a record); only a record that fails is looked at again by `diagnosis`, to say exactly what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec

from presage.features.dataset import Column, Dataset, Scalar
from presage.features.diagnosis import Fault, find_fault
from presage.features.limits import (
    CLOCK_SKEW,
    EARLIEST_TIMESTAMP,
    MAX_ENTITY_ID_LENGTH,
    MAX_RECORD_ID_LENGTH,
    MAX_TEXT_LENGTH,
)
from presage.features.records import Record
from presage.features.wire import RawRecord

Status = Literal["accepted", "duplicate", "invalid"]
_ESCAPED_NUL = b"\\u0000"

_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_COLUMN_TYPES: Mapping[str, Any] = {"number": float | None, "string": _Text | None, "boolean": bool | None}


class RecordResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one record of a call, in the wire form of the answer.

    `duplicate`: an earlier record of the same call has the same `record_id`. `path` is a JSONPath from the record.
    """

    status: Status
    record_id: str | None = None
    code: str | None = None
    path: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The results of a call, one per record in order, and the accepted records."""

    results: list[RecordResult]
    accepted: tuple[Record, ...]


class _Canonical(msgspec.Struct):
    """What a record's default id is a hash of: the same content, however it is written, gives the same id."""

    entity_id: str
    event_timestamp: datetime
    known_timestamp: datetime | None
    values: dict[str, Scalar]


_CANONICAL = msgspec.json.Encoder(order="sorted")


class RecordReader:
    """Reads records of one set of columns. Build it through `reader_of`, which keeps it."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        """Prepare the decoder of a record with these columns."""
        self.columns = columns
        fields = [(f"c{number}", _COLUMN_TYPES[column.type], None) for number, column in enumerate(columns)]
        names = {f"c{number}": column.name for number, column in enumerate(columns)}
        values_type = msgspec.defstruct("Values", fields, rename=names, forbid_unknown_fields=True)
        self._names = tuple(column.name for column in columns)
        self._wire_type = msgspec.defstruct(
            "WireRecord",
            [
                ("entity_id", Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ENTITY_ID_LENGTH)]),
                ("event_timestamp", _Instant),
                ("values", values_type),
                ("record_id", Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_RECORD_ID_LENGTH)] | None, None),
                ("known_timestamp", _Instant | None, None),
            ],
            forbid_unknown_fields=True,
        )
        self._decoder = msgspec.json.Decoder(self._wire_type)

    def read_json(self, raw: RawRecord, *, now: datetime) -> Record | Fault:
        """Return the record of one JSON text, or what is wrong with it."""
        text = bytes(raw)
        if _ESCAPED_NUL not in text:
            try:
                return self._finish(self._decoder.decode(text), now)
            except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
                pass  # the diagnosis below says what it is
        try:
            content = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            if "out of range" in str(error):
                return Fault("non_finite_number", "$", f"a number is too large for a float64: {error}")
            return Fault("malformed_json", "$", f"not valid JSON: {error}")
        except (UnicodeDecodeError, RecursionError) as error:
            return Fault("malformed_json", "$", f"not valid JSON: {error}")
        return self._read_content(content, now)

    def read_mapping(self, content: Mapping[str, object], *, now: datetime) -> Record | Fault:
        """Return the record of a wire record given as Python values (timestamps as text or aware datetimes)."""
        return self._read_content(content, now)

    def _read_content(self, content: object, now: datetime) -> Record | Fault:
        fault = find_fault(content, self.columns, now=now)
        if fault is not None:
            return fault
        try:
            return self._finish(msgspec.convert(content, self._wire_type), now)
        except (msgspec.ValidationError, OverflowError) as error:
            return Fault("invalid_record", "$", str(error))

    def _finish(self, wire: Any, now: datetime) -> Record | Fault:  # noqa: ANN401 - a struct made at run time
        event = wire.event_timestamp.astimezone(UTC)
        declared = wire.known_timestamp and wire.known_timestamp.astimezone(UTC)
        fault = check_clocks(event, declared, now=now)
        if fault is not None:
            return fault
        values: dict[str, Scalar] = {}
        for name, value in zip(self._names, msgspec.structs.astuple(wire.values), strict=True):
            if value is None:
                continue
            if value.__class__ is float and not isfinite(value):
                return Fault("non_finite_number", f"$.values.{name}", f"{value}: expected a finite number")
            values[name] = value
        record_id = wire.record_id or compute_record_id(wire.entity_id, event, declared, values)
        return Record(record_id, wire.entity_id, event, declared or max(now, event), values)


@lru_cache(maxsize=256)
def reader_of(columns: tuple[Column, ...]) -> RecordReader:
    """Return the reader of records with these columns, made once."""
    return RecordReader(columns)


def judge_records(dataset: Dataset, raw_records: Sequence[RawRecord], *, now: datetime) -> Judgement:
    """Return a result per raw record, in order, and the records that were accepted.

    Args:
        dataset: Whose columns the values are checked against.
        raw_records: One JSON text each.
        now: The time of acceptance, aware UTC; the default `known_timestamp`.
    """
    reader = reader_of(dataset.columns)
    accepted: dict[str, Record] = {}
    results: list[RecordResult] = []
    for raw in raw_records:
        outcome = reader.read_json(raw, now=now)
        if isinstance(outcome, Fault):
            results.append(RecordResult("invalid", code=outcome.code, path=outcome.path, message=outcome.message))
        elif outcome.record_id in accepted:
            results.append(RecordResult("duplicate", outcome.record_id))
        else:
            accepted[outcome.record_id] = outcome
            results.append(RecordResult("accepted", outcome.record_id))
    return Judgement(results, tuple(accepted.values()))


def check_clocks(event: datetime, known: datetime | None, *, now: datetime) -> Fault | None:
    """Return what is wrong with the pair of timestamps, or None. A few seconds of skew between clocks are allowed."""
    if event < EARLIEST_TIMESTAMP:
        return Fault("timestamp_out_of_range", "$.event_timestamp", f"{event.isoformat()}: expected 1900 or later")
    if event > now + CLOCK_SKEW:
        return Fault("future_timestamp", "$.event_timestamp", f"{event.isoformat()} is after {now.isoformat()}, the platform's time")
    if known is None:
        return None
    if known > now + CLOCK_SKEW:
        return Fault("future_timestamp", "$.known_timestamp", f"{known.isoformat()} is after {now.isoformat()}, the platform's time")
    if known < event:
        return Fault("known_before_event", "$.known_timestamp", f"{known.isoformat()} is before the event_timestamp {event.isoformat()}")
    return None


def compute_record_id(entity_id: str, event: datetime, known: datetime | None, values: Mapping[str, Scalar]) -> str:
    """Return the id of a record that names none: a hash of its content, nulls left out, numbers as float64."""
    content = _Canonical(entity_id, event, known, dict(values))
    return sha256(_CANONICAL.encode(content)).hexdigest()[:32]
