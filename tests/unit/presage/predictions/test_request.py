"""Each entry is checked alone, with an exact code and place."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from presage.predictions.request import EntryError, PredictRequest, Query, parse_entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("orders__n", "a-b__c")


def parse(entry: object, *, ranking: bool = True) -> Query:
    return parse_entry(entry, path="$.features[0]", columns=COLUMNS, ranking=ranking, now=NOW)


@pytest.mark.parametrize(
    ("entry", "code", "path"),
    [
        ([], "wrong_type", ""),
        (None, "wrong_type", ""),
        ({}, "empty_entry", ""),
        ({"id": 5}, "wrong_type", ".id"),
        ({"id": None}, "wrong_type", ".id"),
        ({"id": ""}, "wrong_length", ".id"),
        ({"id": "x" * 257}, "wrong_length", ".id"),
        ({"id": "a\x00b"}, "malformed_id", ".id"),
        ({"timestamp": 5}, "wrong_type", ".timestamp"),
        ({"timestamp": "yesterday"}, "malformed_timestamp", ".timestamp"),
        ({"timestamp": "2026-02-30T00:00:00Z"}, "malformed_timestamp", ".timestamp"),
        ({"timestamp": "2026-01-01T00:00:00"}, "timestamp_without_offset", ".timestamp"),
        ({"timestamp": "2026-03-01T12:00:06Z"}, "future_timestamp", ".timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+10:00"}, "malformed_timestamp", ".timestamp"),
        ({"orders__n": "3"}, "wrong_type", ".orders__n"),
        ({"orders__n": [3]}, "wrong_type", ".orders__n"),
        ({"orders__n": 1e39}, "out_of_range", ".orders__n"),
        ({"orders__n": -(10**400)}, "out_of_range", ".orders__n"),
        ({"a-b__c": "x"}, "wrong_type", '["a-b__c"]'),
        ({"other": 1}, "unknown_feature", ".other"),
        ({'it"s': 1}, "unknown_feature", '["it\\"s"]'),
        ({"candidates": "f1"}, "wrong_type", ".candidates"),
        ({"candidates": []}, "wrong_length", ".candidates"),
        ({"candidates": ["a"] * 1001}, "wrong_length", ".candidates"),
        ({"candidates": [f"{n:0250}" for n in range(201)]}, "wrong_length", ".candidates"),
        ({"candidates": ["a", 1]}, "wrong_type", ".candidates[1]"),
        ({"candidates": ["a", "b", "a"]}, "duplicate_candidate", ".candidates[2]"),
    ],
)
def test_a_bad_entry_is_refused_with_code_and_path(entry: object, code: str, path: str) -> None:
    with pytest.raises(EntryError) as caught:
        parse(entry)
    assert (caught.value.code, caught.value.path) == (code, f"$.features[0]{path}")


def test_candidates_are_for_rankings_only() -> None:
    with pytest.raises(EntryError) as caught:
        parse({"candidates": ["a"]}, ranking=False)
    assert caught.value.code == "unexpected_candidates"


def test_a_full_entry_is_taken_over() -> None:
    query = parse({"id": "c1", "timestamp": "1998-01-01T02:00:00+02:00", "candidates": ["b", "a"], "orders__n": 3, "a-b__c": False})
    assert query == Query("c1", datetime(1998, 1, 1, tzinfo=UTC), {"orders__n": 3.0, "a-b__c": 0.0}, ("b", "a"))


def test_an_entry_without_time_is_about_now_and_null_is_nan() -> None:
    query = parse({"orders__n": None})
    assert (query.entity_id, query.predicted_for, query.candidates) == (None, NOW, None)
    assert math.isnan(query.values["orders__n"])


def test_a_clock_that_is_a_little_ahead_is_forgiven() -> None:
    assert parse({"id": "c", "timestamp": "2026-03-01T12:00:05Z"}).predicted_for == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    "body",
    [
        {"features": [{}]},
        {"model": "m"},
        {"model": "", "features": [{}]},
        {"model": "m", "features": []},
        {"model": "m", "features": [{}] * 101},
        {"model": "m", "features": {}},
        {"model": "m", "features": [{}], "version": 0},
        {"model": "m", "features": [{}], "version": "1"},
        {"model": "m", "features": [{}], "include_features": 1},
        {"model": "m", "features": [{}], "workspace_id": "ws_2"},
    ],
)
def test_a_bad_request_is_refused_whole(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(body), type=PredictRequest)
