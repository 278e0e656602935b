"""What makes a wire record valid, and what is said about one that is not."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.errors import InvalidInputError
from presage.features.dataset import Column
from presage.features.messages import build_message, decode_batch
from presage.features.records import Record
from presage.features.validation import RecordResult, judge_call, judge_records
from presage.features.wire import CallBody
from tests.fixtures.feature_records import NOW, make_dataset, make_wire

DATASET = make_dataset()
NASTY = [b"\\u0000", b"\\ud800", b"\x00", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e999", b"9" * 5_000, b"[" * 3_000, b'"', b"\\"]


def judge(raw: bytes) -> RecordResult:
    return judge_records(DATASET, [raw], now=NOW).results[0]


def accept(raw: bytes) -> Record:
    """Return the record as the consumer of the queue reads it."""
    judgement = judge_records(DATASET, [raw], now=NOW)
    assert judgement.results[0].status == "accepted", judgement.results[0]
    return decode_batch(build_message(DATASET, judgement.accepted, received_at=NOW).body).records[0]


def nest(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def at(moment: datetime) -> str:
    return moment.isoformat()


def test_an_accepted_record_holds_what_was_sent_in_utc() -> None:
    record = accept(make_wire(record_id="r1"))
    assert record == Record("r1", "c1", datetime(2026, 2, 28, 8, tzinfo=UTC), NOW, {"amount": 2.0, "shop": "Zürich", "returned": False})
    assert isinstance(record.values["amount"], float)


def test_a_declared_known_timestamp_is_kept() -> None:
    assert accept(make_wire(known_timestamp="2026-02-28T09:00:00Z")).known_timestamp == datetime(2026, 2, 28, 9, tzinfo=UTC)


def test_null_and_missing_values_are_the_same_record() -> None:
    assert accept(make_wire(values={"amount": None, "shop": "a"})) == accept(make_wire(values={"shop": "a"}))


def test_the_default_record_id_is_the_content_however_it_is_written() -> None:
    first = accept(b'{"entity_id":"c","event_timestamp":"2026-01-01T02:00:00+02:00","values":{"amount":1,"shop":"a"}}')
    other = accept(b'{"values": {"shop": "a", "amount": 1.0}, "event_timestamp": "2026-01-01T00:00:00Z", "entity_id": "c"}')
    assert first.record_id == other.record_id
    assert len(first.record_id) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"entity_id": "c2"},
        {"event_timestamp": "2026-02-28T10:00:00.000001+02:00"},
        {"known_timestamp": "2026-02-28T11:00:00Z"},
        {"values": {"amount": 3}},
        {"values": {}},
    ],
)
def test_other_content_has_another_default_record_id(change: dict[str, object]) -> None:
    assert accept(make_wire(**change)).record_id != accept(make_wire()).record_id


def test_a_retried_record_keeps_its_default_id_though_it_is_known_later() -> None:
    later = judge_records(DATASET, [make_wire()], now=NOW + timedelta(hours=1)).accepted[0]
    assert later.record_id == accept(make_wire()).record_id


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        (b"", "malformed_json", "$"),
        (b'{"entity_id": ', "malformed_json", "$"),
        (b"\xff", "malformed_json", "$"),
        (b'"\xff"', "malformed_json", "$"),
        (b"[" * 100_000, "nested_too_deeply", "$"),
        (make_wire(values={"amount": nest(15)}), "nested_too_deeply", "$"),
        (make_wire(values={"amount": nest(14)}), "wrong_type", "$.values.amount"),
        (make_wire(extra=nest(900)), "nested_too_deeply", "$"),
        (b"[1]", "wrong_type", "$"),
        (make_wire(entity_id=...), "missing_entity_id", "$.entity_id"),
        (make_wire(entity_id=None), "missing_entity_id", "$.entity_id"),
        (make_wire(entity_id=""), "missing_entity_id", "$.entity_id"),
        (make_wire(entity_id=7), "wrong_type", "$.entity_id"),
        (make_wire(record_id=None), "wrong_type", "$.record_id"),
        (make_wire(known_timestamp=None), "wrong_type", "$.known_timestamp"),
        (make_wire(entity_id="c" * 257), "too_long", "$.entity_id"),
        (make_wire(entity_id="c\0"), "invalid_character", "$.entity_id"),
        (make_wire(record_id="r" * 129), "too_long", "$.record_id"),
        (make_wire(event_timestamp=...), "missing_event_timestamp", "$.event_timestamp"),
        (make_wire(event_timestamp="yesterday"), "malformed_timestamp", "$.event_timestamp"),
        (make_wire(event_timestamp="2026-02-30T00:00:00Z"), "malformed_timestamp", "$.event_timestamp"),
        (make_wire(event_timestamp="2026-02-28"), "malformed_timestamp", "$.event_timestamp"),
        (make_wire(event_timestamp="2026-02-28T00:00:00"), "timestamp_without_offset", "$.event_timestamp"),
        (make_wire(event_timestamp=1_772_000_000), "wrong_type", "$.event_timestamp"),
        (make_wire(event_timestamp="1899-12-31T23:59:59Z"), "timestamp_out_of_range", "$.event_timestamp"),
        (make_wire(event_timestamp="0001-01-01T00:00:00+14:00"), "timestamp_out_of_range", "$.event_timestamp"),
        (make_wire(event_timestamp=at(NOW + timedelta(seconds=6))), "future_timestamp", "$.event_timestamp"),
        (make_wire(known_timestamp=at(NOW + timedelta(seconds=6))), "future_timestamp", "$.known_timestamp"),
        (make_wire(known_timestamp="2026-02-28T07:59:59Z"), "known_before_event", "$.known_timestamp"),
        (make_wire(values=...), "missing_values", "$.values"),
        (make_wire(values=[1]), "wrong_type", "$.values"),
        (make_wire(values={"amonut": 1}), "unknown_column", "$.values.amonut"),
        (make_wire(values={"amount": "1"}), "wrong_type", "$.values.amount"),
        (make_wire(values={"amount": True}), "wrong_type", "$.values.amount"),
        (make_wire(values={"amount": [1]}), "wrong_type", "$.values.amount"),
        (make_wire(values={"shop": 1}), "wrong_type", "$.values.shop"),
        (make_wire(values={"shop": "a" * 2_049}), "too_long", "$.values.shop"),
        (make_wire(values={"shop": "a\0"}), "invalid_character", "$.values.shop"),
        (make_wire(values={"returned": 0}), "wrong_type", "$.values.returned"),
        (make_wire(extra=1), "unknown_field", "$.extra"),
        (make_wire().replace(b'"amount":2', b'"amount":1e999'), "non_finite_number", "$"),
        (make_wire().replace(b'"amount":2', b'"amount":1' + b"0" * 400), "non_finite_number", "$.values.amount"),
        (make_wire().replace(b'"amount":2', b'"amount":NaN'), "malformed_json", "$"),
        (make_wire().replace(b'"c1"', b'"\\ud800"'), "malformed_json", "$"),
    ],
)
def test_an_invalid_record_is_named_with_code_and_path(raw: bytes, code: str, path: str) -> None:
    result = judge(raw)
    assert (result.status, result.code, result.path) == ("invalid", code, path)
    assert result.message


def test_a_few_seconds_of_clock_skew_are_allowed_and_known_is_never_before_the_event() -> None:
    ahead = NOW + timedelta(seconds=4)
    assert accept(make_wire(event_timestamp=at(ahead))).known_timestamp == ahead


def test_a_backslash_before_u0000_is_text() -> None:
    assert accept(make_wire(entity_id="a\\u0000b")).entity_id == "a\\u0000b"


def test_each_record_of_a_call_is_judged_alone() -> None:
    raws = [make_wire(record_id="a"), b"{", make_wire(record_id="a", entity_id="c9"), make_wire(record_id="b")]
    judgement = judge_records(DATASET, raws, now=NOW)
    assert [result.status for result in judgement.results] == ["accepted", "invalid", "duplicate", "accepted"]
    assert [record.entity_id for record in judgement.accepted] == ["c1", "c1"]


def test_an_invalid_record_makes_no_duplicate_of_the_next() -> None:
    judgement = judge_records(DATASET, [make_wire(record_id="a", values={"x": 1}), make_wire(record_id="a")], now=NOW)
    assert [result.status for result in judgement.results] == ["invalid", "accepted"]


@pytest.mark.parametrize(
    "change", [{"event_timestamp": "x" * 10_000}, {"x" * 10_000: 1}, {"values": {"x" * 10_000: 1}}, {"values": [list(range(10_000))]}]
)
def test_what_is_said_about_a_long_fault_is_short(change: dict[str, object]) -> None:
    result = judge(make_wire(**change))
    assert len(result.message or "") < 200
    assert len(result.path or "") < 100


def test_only_some_of_many_columns_are_named_in_a_message() -> None:
    wide = replace(DATASET, columns=tuple(Column(f"a_rather_long_name_of_a_column_{number}", "number") for number in range(200)))
    message = judge_records(wide, [make_wire(values={"x": 1})], now=NOW).results[0].message
    assert message is not None
    assert message.endswith("a_rather_long_name_of_a_column_101 and 195 more")


def test_of_a_key_that_is_there_twice_the_last_counts() -> None:
    twice = make_wire().replace(b'"entity_id":"c1"', b'"entity_id":"c1","entity_id":"c2"').replace(b'"amount":2', b'"amount":2,"amount":3')
    record = accept(twice)
    assert (record.entity_id, record.values["amount"]) == ("c2", 3.0)


def test_a_columns_place_among_the_others_does_not_change_the_default_record_id() -> None:
    turned = replace(DATASET, columns=(Column("later", "number"), *reversed(DATASET.columns)))
    assert judge_records(turned, [make_wire()], now=NOW).results == judge_records(DATASET, [make_wire()], now=NOW).results


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from(["record_id", "entity_id", "event_timestamp", "known_timestamp", "values", "extra"])


@given(st.dictionaries(FIELDS, JSON_VALUES | st.dictionaries(st.sampled_from(["amount", "shop", "returned", "x"]), JSON_VALUES)))
def test_whatever_json_is_sent_is_judged_and_what_is_accepted_can_be_sent_on(content: dict[str, object]) -> None:
    raw = json.dumps({"entity_id": "c", "event_timestamp": "2026-01-01T00:00:00Z", "values": {}} | content).encode()
    judgement = judge_records(DATASET, [raw, raw], now=NOW)
    assert msgspec.json.encode(judgement.results)
    if judgement.accepted:
        assert len(decode_batch(build_message(DATASET, judgement.accepted, received_at=NOW).body).records) == 1


RAW_RECORDS = st.sampled_from(
    [
        make_wire(record_id="a"),
        make_wire(record_id="a", entity_id="c9"),
        make_wire(),
        make_wire(entity_id="a\\u0000b"),
        make_wire(entity_id="c\0"),
        make_wire(event_timestamp=at(NOW + timedelta(seconds=6))),
        make_wire(known_timestamp="2026-02-28T09:00:00Z"),
        make_wire(values={"amount": "1"}),
        make_wire(event_timestamp="0001-01-01T00:00:00+14:00"),
        b"1",
    ]
)


@given(st.lists(RAW_RECORDS, min_size=1, max_size=5))
def test_a_call_read_in_one_go_is_judged_like_each_of_its_records(raws: list[bytes]) -> None:
    by_record = judge_records(DATASET, raws, now=NOW)
    for body in (CallBody(b'{"records": [' + b", ".join(raws) + b"]}"), CallBody(b"\n".join(raws), in_lines=True)):
        judgement = judge_call(DATASET, body, now=NOW)
        assert judgement.results == by_record.results
        assert msgspec.json.encode(judgement.accepted) == msgspec.json.encode(by_record.accepted)


@pytest.mark.parametrize("count", [0, 501])
def test_a_call_of_no_or_too_many_records_is_refused(count: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        judge_call(DATASET, CallBody(b'{"records": [' + b",".join([make_wire()] * count) + b"]}"), now=NOW)
    assert caught.value.code == ("too_many_records" if count else "no_records")


@given(st.data())
def test_no_change_of_a_valid_record_breaks_the_validation(data: st.DataObject) -> None:
    raw = bytearray(make_wire(record_id="r", known_timestamp=at(NOW)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.sampled_from(NASTY))
    judgement = judge_records(DATASET, [bytes(raw)], now=NOW)
    assert msgspec.json.encode(judgement.results)
    for record in judgement.accepted:
        assert build_message(DATASET, [record], received_at=NOW).body


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=50))
def test_any_finite_number_and_text_comes_back(amount: float, shop: str) -> None:
    assert accept(make_wire(values={"amount": amount, "shop": shop})).values == {"amount": amount, "shop": shop}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_validation(raw: bytes) -> None:
    assert judge(raw).status == "invalid"
