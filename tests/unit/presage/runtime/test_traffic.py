"""An access log of sums."""

import logging

import pytest

from presage.runtime.observability import FIELDS_ATTRIBUTE
from presage.runtime.traffic import Traffic


def test_a_line_a_status_is_logged_when_it_is_due(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    traffic = Traffic("/v1/predict", every_seconds=10, clock=lambda: now)
    for milliseconds in range(1, 101):
        traffic.note(200, milliseconds / 1000)
    traffic.note(429, 0.001)
    assert caplog.records == []
    now = 10.0
    traffic.note(429, 0.001)
    lines = [getattr(record, FIELDS_ATTRIBUTE) for record in caplog.records]
    assert lines[0] == {"route": "/v1/predict", "status": 200, "count": 100, "p50_ms": 50.0, "p99_ms": 99.0, "max_ms": 100.0}
    assert (lines[1]["status"], lines[1]["count"]) == (429, 2)
    traffic.flush()
    assert len(caplog.records) == 2
