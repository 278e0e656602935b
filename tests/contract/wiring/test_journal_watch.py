"""The journal's metrics are made from lines that the processes really write."""

import io
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from presage.errors import JournalFullError, UnavailableError
from presage.predictions.shipping import Report
from presage.runtime.observability import JsonFormatter
from presage.runtime.problems import answer_error
from services.public_api.shipper import log_report
from tests.fixtures.synthesis import read_synthesis

_CONDITION = re.compile(r'\$\.(\w+) = "([^"]*)"')


def read_filters() -> dict[str, tuple[dict[str, str], str]]:
    """By metric: the members that a line must have, and what the metric takes from it."""
    found = {}
    for resource in read_synthesis("staging").resources("AWS::Logs::MetricFilter").values():
        (transformation,) = resource["Properties"]["MetricTransformations"]
        conditions = dict(_CONDITION.findall(resource["Properties"]["FilterPattern"]))
        found[transformation["MetricName"]] = conditions, transformation["MetricValue"]
    return found


def read_line(write: Callable[[], object]) -> Mapping[str, Any]:
    """Return the one line that `write` logs, as the service's processes write lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("public_api", "staging"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        write()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    line: Mapping[str, Any] = json.loads(stream.getvalue())
    return line


def measure(line: Mapping[str, Any]) -> dict[str, float]:
    """What the metric filters make of a line."""
    matching = {name: value for name, (conditions, value) in read_filters().items() if conditions.items() <= line.items()}
    return {name: float(line[value.removeprefix("$.")] if value.startswith("$.") else value) for name, value in matching.items()}


def test_the_shippers_report_is_measured() -> None:
    report = Report(
        calls=2,
        shipped_bytes=10,
        failures=1,
        lag_ms_p50=3.0,
        lag_ms_p99=4.0,
        oldest_seconds=5.5,
        unshipped_bytes=6,
        damaged=0,
        set_aside=7,
    )
    assert measure(read_line(lambda: log_report(report))) == {
        "JournalOldestSeconds": 5.5,
        "JournalUnshippedBytes": 6.0,
        "JournalSetAsideCalls": 7.0,
    }


@pytest.mark.parametrize(("error", "expected"), [(JournalFullError("full"), {"JournalRefusedCalls": 1.0}), (UnavailableError("down"), {})])
def test_a_refused_call_is_counted_and_no_other_one(error: Exception, expected: dict[str, float]) -> None:
    assert measure(read_line(lambda: answer_error(error, request_id="r1"))) == expected
