"""Events become records, windows grow and shrink, and what is asked for is checked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from presage.adapters.memory.amplitude_exports import MemoryAmplitudeExports
from presage.errors import InvalidInputError
from presage.features.records import Record
from presage.features.sources.amplitude import (
    WINDOW_BYTES,
    AmplitudeRequest,
    AmplitudeSource,
    EventReader,
    check_amplitude_request,
    compute_complete_until,
)
from presage.features.sources.model import RowFault, SourceBatch
from tests.fixtures.feature_records import NOW, make_dataset

DATASET = make_dataset()
START = datetime(2026, 2, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
REQUEST = AmplitudeRequest(START, START + 10 * HOUR)


def write(**changes: object) -> bytes:
    """An event with some members changed; `...` leaves one out."""
    event: dict[str, object] = {
        "uuid": "b1d5c1b2-0000-11ee-a3b0-0242ac120002",
        "$insert_id": "ins-1",
        "user_id": "u1",
        "device_id": "d1",
        "amplitude_id": 123,
        "event_type": "purchase",
        "event_time": "2026-02-01 10:00:00.123456",
        "server_upload_time": "2026-02-01 10:20:00",
        "event_properties": {"amount": 2.5, "shop": "Zürich \U0001f600", "returned": None, "other": [1]},
        "user_properties": {"plan": "free", "a.b c": 7},
        "country": "Switzerland",
    } | changes
    return msgspec.json.encode({name: value for name, value in event.items() if value is not ...})


def read(line: bytes, request: AmplitudeRequest = REQUEST) -> Record | RowFault | None:
    return EventReader(request, DATASET, now=NOW).read_event(line, 3, "file")


def read_record(line: bytes, request: AmplitudeRequest = REQUEST) -> Record:
    record = read(line, request)
    assert isinstance(record, Record), record
    return record


def test_an_event_is_known_since_its_upload() -> None:
    record = read_record(write())
    assert record == Record(
        "b1d5c1b2-0000-11ee-a3b0-0242ac120002",
        "u1",
        datetime(2026, 2, 1, 10, 0, 0, 123456, UTC),
        datetime(2026, 2, 1, 10, 20, tzinfo=UTC),
        {"amount": 2.5, "shop": "Zürich \U0001f600"},
    )


def test_an_event_whose_device_is_ahead_is_known_when_it_happened() -> None:
    record = read_record(write(event_time="2026-02-01 10:20:00.000001"))
    assert record.known_timestamp == record.event_timestamp


@pytest.mark.parametrize(("uuid", "expected"), [(..., "ins-1"), (None, "ins-1"), ("x", "x")])
def test_the_insert_id_names_an_event_without_uuid(uuid: object, expected: str) -> None:
    assert read_record(write(uuid=uuid)).record_id == expected


@pytest.mark.parametrize(("entity", "expected"), [("user_id", "u1"), ("device_id", "d1"), ("amplitude_id", "123")])
def test_the_entity_is_what_was_asked_for(entity: str, expected: str) -> None:
    assert read_record(write(), with_entity(entity)).entity_id == expected


def with_entity(entity: str) -> AmplitudeRequest:
    return msgspec.convert(msgspec.to_builtins(REQUEST) | {"entity": entity}, AmplitudeRequest)


def test_columns_come_from_wherever_they_are_said_to_be() -> None:
    request = replace(REQUEST, columns={"shop": "country", "amount": "user_properties.a.b c"})
    assert read_record(write(), request).values == {"shop": "Switzerland", "amount": 7.0}
    request = replace(REQUEST, columns={"shop": "event_type", "amount": "amplitude_id"})
    assert read_record(write(user_properties=None), request).values == {"shop": "purchase", "amount": 123.0}


def test_events_of_other_types_are_passed_over() -> None:
    request = replace(REQUEST, event_types=("view", "Kauf ü"))
    assert read(write(), request) is None
    assert read(write(event_type=...), request) is None
    assert isinstance(read(write(event_type="Kauf ü"), request), Record)


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        (write(user_id=None), "missing_entity_id", "$.entity_id"),
        (write(user_id=...), "missing_entity_id", "$.entity_id"),
        (write(event_properties={"amount": "2.5"}), "wrong_type", "$.values.amount"),
        (write(event_properties={"shop": ["a"]}), "wrong_type", "$.values.shop"),
        (write(event_properties=[1]), "malformed_event", "$"),
        (write(event_time=5), "wrong_type", "$.event_timestamp"),
        (write(event_time="yesterday"), "malformed_timestamp", "$.event_timestamp"),
        (write(event_time=...), "missing_event_timestamp", "$.event_timestamp"),
        (write(event_time="2036-02-01 10:00:00"), "future_timestamp", "$.event_timestamp"),
        (b"{", "malformed_event", "$"),
        (b"[]", "malformed_event", "$"),
        (b'{"user_id": "\xff"}', "malformed_json", "$"),
    ],
)
def test_a_faulty_event_is_told_with_its_place(line: bytes, code: str, path: str) -> None:
    fault = read(line)
    assert isinstance(fault, RowFault)
    assert (fault.line, fault.code, fault.path, fault.part) == (3, code, path, "file")


def fill(hours: Sequence[int]) -> dict[datetime, list[bytes]]:
    return {START + number * HOUR: [write(uuid=f"{number}-{line}") for line in range(lines)] for number, lines in enumerate(hours) if lines}


def collect(exports: MemoryAmplitudeExports, position: dict[str, object] | None = None) -> list[SourceBatch]:
    return list(AmplitudeSource(exports, REQUEST, DATASET, now=NOW).read(position or {}))


def name_rows(batches: Sequence[SourceBatch]) -> list[str]:
    return [row.record_id for batch in batches for row in batch.rows if isinstance(row, Record)]


def test_windows_grow_while_they_are_small_and_end_where_asked() -> None:
    exports = MemoryAmplitudeExports(fill([2, 0, 1, 3, 0, 0, 1, 0, 0, 1, 9]))
    batches = collect(exports)
    asked = [((window.start - START) // HOUR, window.hours) for window in exports.windows]
    assert asked == [(0, 1), (1, 2), (3, 4), (7, 3)]
    assert name_rows(batches) == ["0-0", "0-1", "2-0", "3-0", "3-1", "3-2", "6-0", "9-0"]
    assert [round(batch.fraction, 2) for batch in batches if batch.position] == [0.1, 0.3, 0.7, 1.0]


def test_a_window_that_is_too_large_is_halved() -> None:
    exports = MemoryAmplitudeExports(fill([1, 1, 1, 5, 5, 1, 1, 1, 1, 1]), max_lines=7)
    batches = collect(exports)
    assert [window.hours for window in exports.windows] == [1, 2, 4, 2, 1, 2, 4]
    assert sorted(name_rows(batches)) == sorted(set(name_rows(batches)))
    assert len(name_rows(batches)) == 18


def test_a_large_answer_makes_the_next_window_smaller() -> None:
    exports = MemoryAmplitudeExports(fill([1] * 10), line_bytes=WINDOW_BYTES // 2)
    collect(exports)
    assert [window.hours for window in exports.windows] == [1] * 10
    exports = MemoryAmplitudeExports(fill([0, 0, 0, 3, 1, 1, 1, 1, 1, 1]), line_bytes=WINDOW_BYTES // 2)
    collect(exports)
    assert [window.hours for window in exports.windows] == [1, 2, 4, 2, 1]


def test_an_hour_that_is_too_large_by_itself_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="more than Amplitude exports at once"):
        collect(MemoryAmplitudeExports(fill([1, 9]), max_lines=8))


def test_reading_goes_on_behind_the_last_window_with_its_size() -> None:
    lines = fill([1] * 10)
    whole = collect(MemoryAmplitudeExports(lines))
    place = next(batch.position for batch in whole[3:] if batch.position)
    exports = MemoryAmplitudeExports(lines)
    rest = collect(exports, msgspec.json.decode(msgspec.json.encode(place)))
    assert [window.hours for window in exports.windows] == [4, 3]
    assert name_rows(rest) == name_rows(whole)[3:]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"start": START + timedelta(minutes=1)}, "$.start"),
        ({"until": START + timedelta(seconds=3601)}, "$.until"),
        ({"until": START}, "$.until"),
        ({"until": NOW + HOUR}, "$.until"),
        ({"columns": {"colour": "country"}}, "$.columns"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(changes: dict[str, object], path: str) -> None:
    request = AmplitudeRequest(**{"start": START, "until": START + HOUR, **changes})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError) as caught:
        check_amplitude_request(request, DATASET, now=NOW)
    assert caught.value.path == path


@pytest.mark.parametrize(("read_at", "complete_hours"), [(100.0, 10), (12.0, 10), (11.9, 9), (11.0, 9), (10.0, 8), (1.0, 0)])
def test_uploads_of_the_last_two_hours_may_be_missing(read_at: float, complete_hours: int) -> None:
    assert compute_complete_until(REQUEST, read_at=START + read_at * HOUR) == START + complete_hours * HOUR
