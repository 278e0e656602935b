"""Events of an Amplitude project as a source: window by window of the hours in which they were uploaded.

Amplitude lists an event up to two hours after its upload, so the last hours before now may lack some. Reading them again is without
harm: an event is known by its `uuid`. Its known timestamp is its upload, its event timestamp the corrected clock of its device.

References: Amplitude's Export API (`/api/2/export`): hours by `server_upload_time`, 404 for no data, 400 over 4 GB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, Protocol

import msgspec

from presage.errors import InvalidInputError, ResponseTooLargeError
from presage.features.dataset import Dataset
from presage.features.diagnosis import Fault
from presage.features.records import Record
from presage.features.sources.model import Position, RowFault, SourceBatch
from presage.features.validation import reader_of

AmplitudeRegion = Literal["us", "eu"]
AmplitudeEntity = Literal["user_id", "device_id", "amplitude_id"]

BATCH_ROWS = 5_000
LATENESS = timedelta(hours=2)
MAX_WINDOW_HOURS = 24
WINDOW_BYTES = 64 << 20
"""Of a zip: a larger one is followed by a window of half the hours, a much smaller one by one of twice as many."""
_HOUR = timedelta(hours=1)
_NULL = b"null"
_GROUPS = ("event_properties", "user_properties", "group_properties", "groups")


@dataclass(frozen=True, slots=True)
class AmplitudeKeys:
    """What a project is read with."""

    api_key: str
    secret_key: str

    def __repr__(self) -> str:
        """Return no secret: tracebacks and logs show values."""
        return "AmplitudeKeys(…)"


@dataclass(frozen=True, slots=True)
class HourWindow:
    """Whole hours (UTC) of upload: `hours` of them from `start` on."""

    start: datetime
    hours: int

    @property
    def end(self) -> datetime:
        """Where the next window starts."""
        return self.start + self.hours * _HOUR


@dataclass(frozen=True, slots=True)
class AmplitudeExport:
    """What was uploaded in a window: its size as it was sent, and the lines of each of its files, to be read in order."""

    size_bytes: int
    files: Iterator[tuple[str, Iterator[bytes]]]


class AmplitudeExports(Protocol):
    """The Export API of one project."""

    def open_export(self, window: HourWindow) -> AbstractContextManager[AmplitudeExport]:
        """Return the export of a window, which is on disk as a whole by then; without files when there is no data.

        Raises:
            ResponseTooLargeError: The window holds more than is sent at once.
            ForbiddenError: The credentials are refused.
            UnavailableError: There was no whole answer, after retries.
        """


@dataclass(frozen=True, slots=True)
class AmplitudeRequest:
    """Uploads from `start` to `until` (whole hours, UTC), events of `event_types` (all, if empty).

    `columns` says which property is a column's value, as `event_properties.price` or `country`; a column that is left out is the
    event property of its name.
    """

    start: datetime
    until: datetime
    entity: AmplitudeEntity = "user_id"
    event_types: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


def check_amplitude_request(request: AmplitudeRequest, dataset: Dataset, *, now: datetime) -> None:
    """Refuse a request that cannot be read.

    Raises:
        InvalidInputError: A time is no whole hour, there is no hour between them, or a column is not the dataset's.
    """
    for path, time in (("$.start", request.start), ("$.until", request.until)):
        if floor_hour(time) != time:
            raise InvalidInputError(f"{time.isoformat()}: expected a whole hour", path=path)
    if request.start >= request.until:
        raise InvalidInputError(f"{request.until.isoformat()}: expected later than {request.start.isoformat()}", path="$.until")
    if request.until > now:
        raise InvalidInputError(f"{request.until.isoformat()} is after {now.isoformat()}, the platform's time", path="$.until")
    unknown = sorted(request.columns.keys() - {column.name for column in dataset.columns})
    if unknown:
        raise InvalidInputError(f"dataset {dataset.name!r} has no column {', '.join(unknown)}", path="$.columns", code="unknown_column")


def compute_complete_until(request: AmplitudeRequest, *, read_at: datetime) -> datetime:
    """Return until when all uploads were to be had at `read_at`; the next import starts there."""
    return max(min(request.until, floor_hour(read_at - LATENESS)), request.start)


def floor_hour(time: datetime) -> datetime:
    """Return the beginning of the hour of `time`, in UTC."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


class AmplitudeSource:
    """`Source` on a project. It goes on behind every window; nothing of a window is kept when it breaks off in the middle."""

    def __init__(self, exports: AmplitudeExports, request: AmplitudeRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        self._exports = exports
        self._request = request
        self._read_event = EventReader(request, dataset, now=now).read_event

    def read(self, position: Position) -> Iterator[SourceBatch]:
        """Yield the events of the windows behind `position`.

        Raises:
            InvalidInputError: A single hour is too large for the Export API.
            ForbiddenError, UnavailableError: As for `AmplitudeExports.open_export`.
        """
        request = self._request
        at = msgspec.convert(dict(position), _Place)
        start, hours = at.next or request.start, at.hours
        while start < request.until:
            window = HourWindow(start, min(hours, (request.until - start) // _HOUR))
            try:
                with self._exports.open_export(window) as export:
                    size_bytes = export.size_bytes
                    yield from self._read_files(export, self._fraction(start))
            except ResponseTooLargeError as error:
                if window.hours == 1:
                    raise InvalidInputError(
                        f"the hour from {start.isoformat()} is more than Amplitude exports at once: {error}", path="$.start"
                    ) from error
                hours = window.hours // 2
                continue
            start, hours = window.end, _adapt(hours, window, size_bytes)
            yield SourceBatch([], msgspec.to_builtins(_Place(start, hours)), self._fraction(start))

    def _fraction(self, reached: datetime) -> float:
        return (reached - self._request.start) / (self._request.until - self._request.start)

    def _read_files(self, export: AmplitudeExport, fraction: float) -> Iterator[SourceBatch]:
        for name, lines in export.files:
            numbered = enumerate(lines, start=1)
            while read := [self._read_event(line, number, name) for number, line in islice(numbered, BATCH_ROWS)]:
                rows = [row for row in read if row is not None]
                yield SourceBatch(rows, None, fraction, skipped=len(read) - len(rows))


@dataclass(frozen=True, slots=True)
class _Place:
    next: datetime | None = None
    hours: int = 1


def _adapt(hours: int, window: HourWindow, size_bytes: int) -> int:
    if size_bytes > WINDOW_BYTES:
        return max(window.hours // 2, 1)
    return min(hours * 2, MAX_WINDOW_HOURS) if size_bytes < WINDOW_BYTES // 4 else hours


class EventReader:
    """Makes a record of an event: its parts are put into a wire record as they are sent, which is then judged as any other."""

    def __init__(self, request: AmplitudeRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for the columns of `dataset`."""
        layout = _Layout()
        self._event_type = layout.locate("event_type")
        self._event_time = layout.locate("event_time")
        self._upload_time = layout.locate("server_upload_time")
        self._identities = (layout.locate("uuid"), layout.locate("$insert_id"))
        self._entity = layout.locate(request.entity)
        self._columns = [
            (f'"{column.name}":'.encode(), layout.locate(request.columns.get(column.name, f"event_properties.{column.name}")))
            for column in dataset.columns
        ]
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(layout.build_type()).decode
        self._wanted = frozenset(request.event_types)
        self._reader = reader_of(dataset.columns)
        self._now = now

    def read_event(self, line: bytes, number: int, file: str) -> Record | RowFault | None:
        """Return the record of a line, or why there is none; None for an event that was not asked for."""
        try:
            event = self._decode(line)
            if self._wanted and msgspec.json.decode(_get(event, self._event_type)) not in self._wanted:
                return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return RowFault(number, "malformed_event", "$", str(error), file)
        outcome = self._reader.read_json(self._to_wire(event), now=self._now)
        return RowFault(number, outcome.code, outcome.path, outcome.message, file) if isinstance(outcome, Fault) else outcome

    def _to_wire(self, event: object) -> bytes:
        occurred, uploaded = _get(event, self._event_time), _get(event, self._upload_time)
        values = b",".join(name + _get(event, place) for name, place in self._columns)
        members = [b'{"entity_id":', _as_text(_get(event, self._entity)), b',"event_timestamp":', _as_utc(occurred)]
        members += [b',"values":{', values, b"}"]
        identity = next((found for place in self._identities if (found := _get(event, place)) != _NULL), _NULL)
        if identity != _NULL:
            members += [b',"record_id":', identity]
        if uploaded != _NULL:
            members += [b',"known_timestamp":', _as_utc(max(uploaded, occurred))]
        return b"".join((*members, b"}"))


class _Layout:
    """Which members of an event are looked at; the others are not even decoded."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, str]] = {}

    def locate(self, path: str) -> tuple[str, str]:
        """Return the group of a member, `""` for the event itself, and its attribute there."""
        group, dot, name = path.partition(".")
        if not dot or group not in _GROUPS:
            group, name = "", path
        members = self._members.setdefault(group, {})
        return group, members.setdefault(name, f"m{len(members)}")

    def build_type(self) -> type[msgspec.Struct]:
        """Return the struct of an event: each member its JSON text, `null` if it is not there."""
        groups = [(group, _build_struct(members) | None, None) for group, members in self._members.items() if group]
        return _build_struct(self._members[""], groups)


def _build_struct(members: Mapping[str, str], groups: Sequence[tuple[str, Any, None]] = ()) -> type[msgspec.Struct]:
    fields = [(attribute, msgspec.Raw, msgspec.Raw(_NULL)) for attribute in members.values()]
    return msgspec.defstruct("Event", [*fields, *groups], rename={attribute: name for name, attribute in members.items()}, gc=False)


def _get(event: object, place: tuple[str, str]) -> bytes:
    group, attribute = place
    owner = getattr(event, group) if group else event
    return _NULL if owner is None else bytes(getattr(owner, attribute))


def _as_utc(text: bytes) -> bytes:
    """Return `"2025-01-05 10:00:00.123"`, a JSON string in UTC, as RFC 3339; what is no such text as it is, to be refused."""
    return text[:11] + b"T" + text[12:-1] + b'Z"' if text[11:12] == b" " else text


def _as_text(identity: bytes) -> bytes:
    """Return a number as a JSON string; what is no number as it is."""
    return b'"' + identity + b'"' if identity.isdigit() else identity
