"""Records on their way: batches, bounds, and what became of each."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage_client import Batching
from presage_client import public_models as p
from presage_client.errors import ConnectionFailedError, InvalidInputError
from presage_client.records import ENVELOPE_BYTES, Waiting, build_arguments, build_record, encode_record, list_refusals, refuse_batch

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SMALL = Batching(max_records=3, max_bytes=100, max_age_seconds=2.0, max_waiting_bytes=250)


def encode(entity_id: str = "c1", values: dict[str, Any] | None = None, **more: Any) -> bytes:  # noqa: ANN401 - a record's own
    return encode_record(build_record(entity_id, NOW, values or {}, **more), Batching())


def test_a_record_goes_out_as_the_document_has_it() -> None:
    full = encode("c1", {"spent": 1.5, "shop": None}, record_id="r1", known_timestamp=NOW)

    assert msgspec.json.decode(full) == {
        "record_id": "r1",
        "entity_id": "c1",
        "event_timestamp": "2026-03-01T00:00:00Z",
        "known_timestamp": "2026-03-01T00:00:00Z",
        "values": {"spent": 1.5, "shop": None},
    }
    assert msgspec.json.decode(encode()).keys() == {"entity_id", "event_timestamp", "values"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"values": {"spent": math.nan}}, "spent of 'c1' is nan, which JSON cannot say"),
        ({"values": {"spent": -math.inf}}, "spent of 'c1' is -inf, which JSON cannot say"),
        ({"known_timestamp": datetime(2026, 3, 1)}, "known_timestamp of 'c1' is 2026-03-01 00:00:00, without a time zone"),  # noqa: DTZ001
        ({"values": {"text": "x" * 1_000_000}}, "a batch has 1000000 at most"),
    ],
)
def test_a_record_that_could_not_be_sent_as_it_is_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_records": 0}, "max_records is 0, and must be 1 to 500"),
        ({"max_records": 501}, "max_records is 501"),
        ({"max_bytes": ENVELOPE_BYTES}, "max_bytes is 14"),
        ({"max_bytes": 2**20 + 1}, "must be 15 to 1048576"),
        ({"max_waiting_bytes": 999_999}, "max_waiting_bytes is 999999, less than max_bytes, 1000000"),
    ],
)
def test_batches_that_the_api_takes_not_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Batching(**changes)


def test_a_batch_is_due_when_it_is_full_or_old_or_flushed() -> None:
    waiting = Waiting(SMALL)
    assert waiting.find_seconds_until_due(0.0) is None

    waiting.put(b"1", now=10.0)
    waiting.put(b"2", now=11.0)
    assert [waiting.find_seconds_until_due(now) for now in (10.0, 11.5, 12.0, 99.0)] == [2.0, 0.5, 0.0, 0.0]

    waiting.put(b"3", now=11.0)
    assert waiting.find_seconds_until_due(10.0) == 0.0
    assert waiting.take() == [b"1", b"2", b"3"]
    waiting.settle()

    waiting.put(b"4", now=20.0)
    assert (waiting.flush(), waiting.find_seconds_until_due(20.0)) == (4, 0.0)
    assert waiting.take() == [b"4"]
    waiting.settle()
    waiting.put(b"5", now=20.0)
    assert waiting.find_seconds_until_due(20.0) == 2.0


def test_a_batch_is_due_when_its_bytes_are_reached() -> None:
    waiting = Waiting(SMALL)
    waiting.put(b"x" * 60, now=0.0)
    assert waiting.find_seconds_until_due(0.0) == 2.0

    waiting.put(b"y" * 60, now=0.0)

    assert waiting.find_seconds_until_due(0.0) == 0.0
    assert waiting.take() == [b"x" * 60]


def test_what_is_being_sent_still_takes_room() -> None:
    waiting = Waiting(SMALL)
    assert waiting.has_room(b"x" * 1000)
    for letter in (b"x", b"y"):
        waiting.put(letter * 80, now=0.0)
    taken = waiting.take()

    assert (len(taken), waiting.has_room(b"z" * 87), waiting.has_room(b"z" * 88)) == (1, True, False)
    waiting.settle()
    assert (waiting.settled, waiting.written, waiting.has_room(b"z" * 88)) == (1, 2, True)


@given(st.lists(st.integers(1, 80), max_size=40), st.data())
def test_every_record_is_in_one_batch_in_order_within_the_bounds(sizes: list[int], data: st.DataObject) -> None:
    waiting, sent = Waiting(SMALL), list[bytes]()
    records = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    for record in records:
        waiting.put(record, now=0.0)
        if data.draw(st.booleans()) and waiting.find_seconds_until_due(0.0) == 0.0:
            sent += take_checked(waiting)
    until = waiting.flush()
    while waiting.settled < until:
        sent += take_checked(waiting)

    assert sent == records
    assert (waiting.find_seconds_until_due(9.0), waiting.list_records(), waiting.has_room(b"x" * 999)) == (None, [], True)


def take_checked(waiting: Waiting) -> list[bytes]:
    batch = waiting.take()
    assert 1 <= len(batch) <= SMALL.max_records
    assert len(b'{"records":[' + b",".join(batch) + b"]}") <= SMALL.max_bytes
    waiting.settle()
    return batch


def test_what_is_not_settled_can_be_had_back() -> None:
    waiting = Waiting(Batching(max_records=1))
    for name in ("c1", "c2"):
        waiting.put(encode(name), now=0.0)
    waiting.take()

    assert [record.entity_id for record in waiting.list_records()] == ["c1", "c2"]
    assert waiting.list_records()[0].event_timestamp == NOW


def test_a_batch_is_sent_byte_for_byte() -> None:
    arguments = build_arguments("orders", [b'{"entity_id":"c1"}', b"{}"])

    assert arguments.path == {"dataset": "orders"}
    assert msgspec.json.encode(arguments.body) == b'{"records":[{"entity_id":"c1"},{}]}'


def test_what_is_invalid_is_refused_with_its_reason_and_the_rest_is_not() -> None:
    batch = [encode(name) for name in ("c1", "c2", "c3")]
    results = [
        p.RecordResult(status="accepted", record_id="r1"),
        p.RecordResult(status="invalid", code="future_timestamp", path="$.event_timestamp", message="too late"),
        p.RecordResult(status="duplicate", record_id="r3"),
    ]

    [refusal] = list_refusals(batch, results)

    assert (refusal.record.entity_id, refusal.code, refusal.path, refusal.message) == (
        "c2",
        "future_timestamp",
        "$.event_timestamp",
        "too late",
    )


def test_a_status_that_is_not_known_is_no_acceptance() -> None:
    assert [each.code for each in list_refusals([encode()], [p.RecordResult(status="postponed")])] == ["postponed"]


def test_an_answer_of_another_length_accepts_nothing() -> None:
    refusals = list_refusals([encode("c1"), encode("c2")], [p.RecordResult(status="accepted")])

    assert [(each.record.entity_id, each.code, each.message) for each in refusals] == [
        ("c1", "unknown", "1 results came for 2 records"),
        ("c2", "unknown", "1 results came for 2 records"),
    ]


def test_a_batch_that_never_arrived_is_refused_whole() -> None:
    refusals = refuse_batch([encode("c1"), encode("c2")], ConnectionFailedError("no answer"))

    assert [(each.record.entity_id, each.code, each.message) for each in refusals] == [
        ("c1", "ConnectionFailedError", "no answer"),
        ("c2", "ConnectionFailedError", "no answer"),
    ]


def test_a_batch_that_is_refused_whole_tells_each_records_reason_if_it_can() -> None:
    results = [{"status": "invalid", "code": "empty_entity", "message": "…"}]
    told = InvalidInputError(422, {"code": "no_valid_record", "results": results}, retry_after_seconds=None)
    untold = InvalidInputError(404, {"code": "not_found"}, retry_after_seconds=None)

    odd = InvalidInputError(422, {"code": "no_valid_record", "results": [{"state": 1}]}, retry_after_seconds=None)

    codes = [[each.code for each in refuse_batch([encode()], error)] for error in (told, untold, odd)]

    assert codes == [["empty_entity"], ["not_found"], ["no_valid_record"]]
