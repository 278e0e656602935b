"""Each entry is checked alone, with an exact code and place."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from presage.predictions.entry_values import EntryError
from presage.predictions.exploration import Exploration
from presage.predictions.narrowing import Narrowing, Range
from presage.predictions.request import PredictRequest, Query, parse_entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = ("orders__n", "a-b__c")


def parse(entry: object, *, items: tuple[str, ...] | None = ("films__taken", "fi-lms__mean")) -> Query:
    return parse_entry(entry, path="$.features[0]", columns=COLUMNS, item_columns=items, now=NOW)


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
        ({"exclude": "f1"}, "wrong_type", ".exclude"),
        ({"exclude": ["a"] * 1001}, "wrong_length", ".exclude"),
        ({"exclude": ["a", 1]}, "wrong_type", ".exclude[1]"),
        ({"exclude": [f"{n:0250}" for n in range(201)]}, "wrong_length", ".exclude"),
        ({"filters": []}, "wrong_type", ".filters"),
        ({"filters": {"films__none": 1}}, "unknown_feature", ".filters.films__none"),
        ({"filters": {"orders__n": 1}}, "unknown_feature", ".filters.orders__n"),
        ({"filters": {"films__taken": "3"}}, "malformed_filter", ".filters.films__taken"),
        ({"filters": {"films__taken": []}}, "malformed_filter", ".filters.films__taken"),
        ({"filters": {"films__taken": [1] * 101}}, "malformed_filter", ".filters.films__taken"),
        ({"filters": {"films__taken": [1, "2"]}}, "malformed_filter", ".filters.films__taken[1]"),
        ({"filters": {"films__taken": {}}}, "malformed_filter", ".filters.films__taken"),
        ({"filters": {"films__taken": {"min": "1"}}}, "malformed_filter", ".filters.films__taken.min"),
        ({"filters": {"films__taken": {"max": 10**400}}}, "malformed_filter", ".filters.films__taken.max"),
        ({"filters": {"films__taken": {"above": 1}}}, "malformed_filter", ".filters.films__taken"),
        ({"filters": {"fi-lms__mean": {"min": 2, "max": 1}}}, "malformed_filter", '.filters["fi-lms__mean"]'),
        ({"exploration": 0.1}, "malformed_exploration", ".exploration"),
        ({"exploration": {}}, "malformed_exploration", ".exploration"),
        ({"exploration": {"epsilon": 1.1}}, "malformed_exploration", ".exploration.epsilon"),
        ({"exploration": {"epsilon": 0.1, "among": 1}}, "malformed_exploration", ".exploration.among"),
        ({"exploration": {"epsilon": 0.1, "seed": "x"}}, "malformed_exploration", ".exploration"),
    ],
)
def test_a_bad_entry_is_refused_with_code_and_path(entry: object, code: str, path: str) -> None:
    with pytest.raises(EntryError) as caught:
        parse(entry)
    assert (caught.value.code, caught.value.path) == (code, f"$.features[0]{path}")


@pytest.mark.parametrize(
    "option", [{"candidates": ["a"]}, {"exclude": ["a"]}, {"filters": {"films__taken": 1}}, {"exploration": {"epsilon": 0.1}}]
)
def test_what_orders_items_is_for_rankings_only(option: dict[str, object]) -> None:
    (name,) = option
    with pytest.raises(EntryError) as caught:
        parse(option, items=None)
    assert (caught.value.code, caught.value.path) == (f"unexpected_{name}", f"$.features[0].{name}")


def test_a_full_entry_is_taken_over() -> None:
    query = parse({"id": "c1", "timestamp": "1998-01-01T02:00:00+02:00", "candidates": ["b", "a"], "orders__n": 3, "a-b__c": False})
    assert query == Query("c1", datetime(1998, 1, 1, tzinfo=UTC), {"orders__n": 3.0, "a-b__c": 0.0}, ("b", "a"))


def test_the_options_of_a_ranking_are_taken_over() -> None:
    query = parse({"exclude": ["b", "a", "b"], "filters": {"films__taken": {"min": 2}, "fi-lms__mean": [1, None]}})
    assert query.narrowing == Narrowing(frozenset("ab"), {"films__taken": Range(2.0, math.inf), "fi-lms__mean": (1.0, None)})
    assert parse({"exploration": {"epsilon": 0, "among": 2}}).exploration == Exploration(0.0, 2)
    assert parse({"exclude": [], "filters": {}}) == Query(None, NOW)


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
