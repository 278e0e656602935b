"""What is said about a training set."""

import json
import math
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.training.findings import Cell, Findings, Leak, Moments, describe_leaks, describe_statistics, merge_findings


def build_moments(values: list[float]) -> Moments:
    middle = mean(values)
    return Moments(len(values), 0, middle, sum((value - middle) ** 2 for value in values), min(values), max(values))


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1), min_size=1, max_size=5))
def test_moments_of_parts_are_those_of_the_whole(parts: list[list[float]]) -> None:
    (told,) = merge_findings(Findings(moments={("train", "x"): build_moments(part)}) for part in parts).moments.values()
    values = [value for part in parts for value in part]
    assert (told.values, told.least, told.greatest) == (len(values), min(values), max(values))
    assert told.mean == pytest.approx(mean(values), rel=1e-9, abs=1e-6)
    if len(values) > 1:
        assert math.sqrt(max(0.0, told.squares) / (len(values) - 1)) == pytest.approx(stdev(values), rel=1e-6, abs=1e-3)


def test_parts_without_values_only_add_nulls() -> None:
    some, none = build_moments([1.0, 3.0]), Moments(0, 4)
    assert none.merge(some) == some.merge(none) == Moments(2, 4, 2.0, 2.0, 1.0, 3.0)


def test_leaks_add_up_and_keep_the_first_and_the_last_example() -> None:
    cells = [Cell(at, entity, "", 1.0, None) for at, entity in ((3, "a"), (1, "b"), (1, "a"), (9, "z"))]
    key = ("newest_values", "v__x")
    told = merge_findings(Findings({("train", "1"): 5}, leaks={key: Leak(2, cell, cell)}, usable={"s": 2}) for cell in cells)
    assert told.leaks[key] == Leak(8, cells[2], cells[3])
    report = describe_leaks(told, ["v__x", "v__y"])
    assert (report["rows"], report["cells"], told.usable) == (20, 40, {"s": 8})
    joins = report["joins"]
    assert isinstance(joins, dict)
    assert [joins[name]["wrong_cells"] for name in ("newest_values", "known_time_ignored")] == [8, 0]
    assert [example["entity_id"] for example in joins["newest_values"]["features"]["v__x"]["examples"]] == ["a", "z"]
    assert joins["newest_values"]["features"]["v__y"] == {"wrong_cells": 0, "examples": []}


def test_what_json_cannot_say_is_null() -> None:
    moments = {("train", "x"): Moments(1, 2, math.inf, math.nan, 1.0, math.inf), ("train", "y"): Moments(0, 3)}
    cell = Cell(1, "a", "", math.nan, math.inf)
    found = Findings({("train", "1"): 3}, moments, {("newest_values", "x"): Leak(1, cell, cell)})
    told = json.loads(json.dumps([describe_statistics(found), describe_leaks(found, ["x"])], allow_nan=False))
    features = told[0]["splits"]["train"]["features"]
    assert (features["x"]["mean"], features["x"]["standard_deviation"], features["x"]["least"]) == (None, None, 1.0)
    assert features["y"] == {"values": 0, "nulls": 3, "mean": None, "standard_deviation": None, "least": None, "greatest": None}
    (example,) = told[1]["joins"]["newest_values"]["features"]["x"]["examples"]
    assert (example["value"], example["naive"]) == (None, None)
