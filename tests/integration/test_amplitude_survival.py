"""Amplitude drops, throttles, damages and repeats; the worker is killed twice: every event is there once, and told of once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from presage.features.sources.amplitude import LATENESS, floor_hour
from tests.fixtures.amplitude import end_at_this_hour
from tests.fixtures.amplitude_import import count_rows, read_found, run_import

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]

EVENTS = 80_000
HOURS = 10


def test_an_import_through_faults_and_two_kills_is_exact_to_the_row(mariadb: str, tmp_path: Path) -> None:
    project = end_at_this_hour(hours=HOURS, events=EVENTS)
    complete_until = floor_hour(datetime.now(UTC) - LATENESS)

    place, outcome = run_import(mariadb, tmp_path, project=project, max_events=15_000)

    first, second, expected = outcome.first, outcome.second, project.expect(revealed=True)
    assert (first.state, first.attempts, second.state) == ("succeeded", 3, "succeeded"), (first, second)
    assert outcome.checkpoint["parts"]
    listed = project.count_expected(revealed=False)
    assert (first.result["accepted"], second.result["accepted"]) == (listed, len(expected) - listed)
    assert first.result["invalid"] == sum(number % 10_007 == 11 and number % 10 != 9 for number in range(EVENTS))
    assert first.result["complete_until"] == complete_until.isoformat().replace("+00:00", "Z")
    found = read_found(place, outcome.dataset)
    assert {name: row[:3] for name, row in found.items()} == expected
    assert {row[3] for row in found.values()} == {"Switzerland"}
    assert count_rows(place, outcome.dataset) == len(expected)
    told = place.stores.notifications.list_notifications(outcome.dataset.workspace_id)
    assert sorted(one.notification_id for one in told) == sorted(f"ntf_{job.job_id}" for job in (first, second))
    assert outcome.faults.keys() >= {"throttle", "fail", "damage", "drop", "whole", "too_large"}
    for log in tmp_path.glob("*.log"):
        assert "a-secret" not in log.read_text()
