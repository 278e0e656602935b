"""Checks wire records against a dataset and turns them into `Record`s.

Every record is judged alone. The fast path decodes straight into a struct made from the dataset's columns (about a
microsecond a record); only a record that fails is looked at again by `diagnosis`, to say exactly what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal, Protocol, cast

import msgspec

from presage.features.dataset import Column, Dataset, Scalar
from presage.features.diagnosis import NESTED_TOO_DEEPLY, Fault, find_fault
from presage.features.limits import (
    CLOCK_SKEW,
    EARLIEST_TIMESTAMP,
    MAX_ENTITY_ID_LENGTH,
    MAX_RECORD_ID_LENGTH,
    MAX_TEXT_LENGTH,
)
from presage.features.recent_ids import KnownIds
from presage.features.records import Record
from presage.features.wire import MAX_RECORDS, CallBody, RawRecord

Status = Literal["accepted", "duplicate", "invalid"]
_ESCAPED_NUL = b"\\u0000"
_NONE_KNOWN: KnownIds = (frozenset(), frozenset())

_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_COLUMN_TYPES: Mapping[str, Any] = {"number": float | None, "string": _Text | None, "boolean": bool | None}


class RecordResult(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one record of a call, in the wire form of the answer.

    `duplicate`: an earlier record with the same `record_id` is durable, or is so when the call is answered.
    `path` is a JSONPath from the record.
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
    accepted: tuple[WireRecord, ...]


class WireRecord(msgspec.Struct, kw_only=True, gc=False):
    """A record as it is sent, and as it goes on the queue once it is checked: UTC, with its id and its known timestamp.

    `values` is a struct of the dataset's columns in the order of their names, so that the same content is the same JSON text.
    """

    entity_id: str
    event_timestamp: datetime
    values: Any
    record_id: str = ""
    known_timestamp: datetime | None = None


class _Envelope(Protocol):
    records: list[WireRecord]


_ENCODER = msgspec.json.Encoder()
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError)


class RecordReader:
    """Reads records of one set of columns. Build it through `reader_of`, which keeps it."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        """Prepare the decoder of a record with these columns."""
        self.columns = columns
        by_name = sorted(columns, key=lambda column: column.name)
        self._names = tuple(column.name for column in by_name)
        values_type = msgspec.defstruct(
            "Values",
            [(f"c{number}", _COLUMN_TYPES[column.type], None) for number, column in enumerate(by_name)],
            rename={f"c{number}": name for number, name in enumerate(self._names)},
            forbid_unknown_fields=True,
            omit_defaults=True,
            gc=False,
        )
        self._wire_type = msgspec.defstruct(
            "Wire",
            [
                ("entity_id", Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ENTITY_ID_LENGTH)]),
                ("event_timestamp", _Instant),
                ("values", values_type),
                ("record_id", Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_RECORD_ID_LENGTH)], ""),
                ("known_timestamp", _Instant, None),
            ],
            bases=(WireRecord,),
            kw_only=True,
            forbid_unknown_fields=True,
            omit_defaults=True,
            gc=False,
        )
        envelope_type = msgspec.defstruct("Envelope", [("records", list[self._wire_type])], forbid_unknown_fields=True)  # type: ignore[name-defined]
        self._decode = cast("Callable[[bytes], WireRecord]", msgspec.json.Decoder(self._wire_type).decode)
        self._decode_envelope = cast("Callable[[bytes], _Envelope]", msgspec.json.Decoder(envelope_type).decode)

    def check_envelope(self, text: bytes, *, now: datetime) -> Sequence[WireRecord | Fault] | None:
        """Return the records of a call that are all of the right form, checked; None if they are not, or not so many as may be."""
        if _ESCAPED_NUL in text:
            return None
        try:
            records = self._decode_envelope(text).records
            return [self._check(record, now) for record in records] if 0 < len(records) <= MAX_RECORDS else None
        except _UNDECODABLE:
            return None

    def check_json(self, raw: RawRecord, *, now: datetime) -> WireRecord | Fault:
        """Return the checked record of one JSON text as it was sent, or what is wrong with it."""
        text = bytes(raw)
        if _ESCAPED_NUL not in text:
            try:
                return self._check(self._decode(text), now)
            except _UNDECODABLE:
                pass  # the diagnosis below says what it is
        try:
            content = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            if "out of range" in str(error):
                return Fault("non_finite_number", "$", f"a number is too large for a float64: {error}")
            return Fault("malformed_json", "$", f"not valid JSON: {error}")
        except UnicodeDecodeError as error:
            return Fault("malformed_json", "$", f"not valid JSON: {error}")
        except RecursionError:
            return NESTED_TOO_DEEPLY
        return self._read_content(content, now)

    def read_json(self, raw: RawRecord, *, now: datetime) -> Record | Fault:
        """Return the record of one JSON text, or what is wrong with it."""
        return self._to_record(self.check_json(raw, now=now))

    def read_mapping(self, content: Mapping[str, object], *, now: datetime) -> Record | Fault:
        """Return the record of a wire record given as Python values (timestamps as text or aware datetimes)."""
        return self._to_record(self._read_content(content, now))

    def _to_record(self, wire: WireRecord | Fault) -> Record | Fault:
        if isinstance(wire, Fault):
            return wire
        given = zip(self._names, msgspec.structs.astuple(wire.values), strict=True)
        values: dict[str, Scalar] = {name: value for name, value in given if value is not None}
        known = cast("datetime", wire.known_timestamp)
        return Record(wire.record_id, wire.entity_id, wire.event_timestamp, known, values)

    def _read_content(self, content: object, now: datetime) -> WireRecord | Fault:
        fault = find_fault(content, self.columns, now=now)
        if fault is not None:
            return fault
        try:
            return self._check(cast("WireRecord", msgspec.convert(content, self._wire_type)), now)
        except (msgspec.ValidationError, OverflowError) as error:
            return Fault("invalid_record", "$", str(error))

    def _check(self, wire: WireRecord, now: datetime) -> WireRecord | Fault:
        """Complete a record of the right form in place, if its clocks are right too."""
        event, declared = wire.event_timestamp, wire.known_timestamp
        if event.tzinfo is not UTC:
            wire.event_timestamp = event = event.astimezone(UTC)
        if declared is None and EARLIEST_TIMESTAMP <= event <= now:  # nearly always
            known = now
        else:
            if declared is not None:
                declared = declared.astimezone(UTC)
            fault = check_clocks(event, declared, now=now)
            if fault is not None:
                return fault
            known = declared or max(now, event)
        if not wire.record_id:
            wire.known_timestamp = declared
            wire.record_id = compute_record_id(wire)
        wire.known_timestamp = known
        return wire


@lru_cache(maxsize=256)
def reader_of(columns: tuple[Column, ...]) -> RecordReader:
    """Return the reader of records with these columns, made once."""
    return RecordReader(columns)


def judge_call(dataset: Dataset, body: CallBody, *, now: datetime, known_ids: KnownIds = _NONE_KNOWN) -> Judgement:
    """Return what `judge_records` does of the records of a body. Most calls are right, and read in one go.

    Raises:
        InvalidInputError: The body is no list of records; see `CallBody.split`.
    """
    checked = None if body.in_lines else reader_of(dataset.columns).check_envelope(body.text, now=now)
    if checked is None:
        return judge_records(dataset, body.split(), now=now, known_ids=known_ids)
    return _sort_out(checked, known_ids)


def judge_records(dataset: Dataset, raw_records: Sequence[RawRecord], *, now: datetime, known_ids: KnownIds = _NONE_KNOWN) -> Judgement:
    """Return a result per raw record, in order, and the records that were accepted.

    Args:
        dataset: Whose columns the values are checked against.
        raw_records: One JSON text each.
        now: The time of acceptance, aware UTC; the default `known_timestamp`.
        known_ids: Ids of this dataset's records that are durable already; a record with one of them is a duplicate.
    """
    check = reader_of(dataset.columns).check_json
    return _sort_out([check(raw, now=now) for raw in raw_records], known_ids)


def _sort_out(checked: Sequence[WireRecord | Fault], known_ids: KnownIds) -> Judgement:
    young, old = known_ids
    accepted: dict[str, WireRecord] = {}
    results: list[RecordResult] = []
    for outcome in checked:
        if isinstance(outcome, Fault):
            results.append(RecordResult("invalid", code=outcome.code, path=outcome.path, message=outcome.message))
            continue
        record_id = outcome.record_id
        if record_id in accepted or record_id in young or record_id in old:
            results.append(RecordResult("duplicate", record_id))
        else:
            accepted[record_id] = outcome
            results.append(RecordResult("accepted", record_id))
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


def compute_record_id(wire: WireRecord) -> str:
    """Return the id of a record that names none: a hash of its content, nulls left out, numbers as float64, times in UTC."""
    return sha256(_ENCODER.encode(wire)).hexdigest()[:32]
