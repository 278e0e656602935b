"""The Export API's adapter against a server that drops, throttles and damages what it sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from presage.adapters.amplitude.exports import ATTEMPTS, LONGEST_PAUSE_SECONDS, HttpAmplitudeExports
from presage.errors import ForbiddenError, ResponseTooLargeError, UnavailableError
from presage.features.sources.amplitude import AmplitudeKeys, HourWindow
from tests.fixtures.amplitude import API_KEY, SECRET_KEY, Exports, Faults, Project, build_server

START = datetime(2026, 2, 1, tzinfo=UTC)
PROJECT = Project(START, 6, 500)
KEYS = AmplitudeKeys(API_KEY, SECRET_KEY)
NONE = Faults(0, 0, 0, 0)


@contextmanager
def serve(faults: Faults) -> Iterator[tuple[str, Exports]]:
    exports = Exports(PROJECT, faults)
    server = build_server(exports)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/2/export", exports
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def read(url: str, window: HourWindow, *, keys: AmplitudeKeys = KEYS, pauses: list[float] | None = None) -> list[bytes]:
    sleep = (pauses if pauses is not None else []).append
    with HttpAmplitudeExports(url, keys, sleep=sleep).open_export(window) as export:
        return [line for _, lines in export.files for line in lines]


def expect(*hours: int) -> list[bytes]:
    return [line for hour in hours for line in PROJECT.write_hour(hour, revealed=False)]


def test_all_files_of_the_hours_are_read_in_order() -> None:
    with serve(NONE) as (url, _):
        assert read(url, HourWindow(START, 3)) == expect(0, 1, 2)
        assert read(url, HourWindow(START.replace(hour=5), 1)) == expect(5)


def test_hours_without_data_are_empty() -> None:
    with serve(NONE) as (url, exports):
        assert read(url, HourWindow(START.replace(hour=3), 2)) == []
        assert exports.counts == {"no_data": 1}


@pytest.mark.parametrize(
    "faults", [Faults(2, 0, 0, 0), Faults(0, 2, 0, 0), Faults(0, 0, 2, 0), Faults(0, 0, 0, 2)], ids=["drop", "throttle", "fail", "damage"]
)
def test_what_comes_broken_is_asked_for_again_and_counts_once(faults: Faults) -> None:
    pauses: list[float] = []
    with serve(faults) as (url, exports):
        for hour in range(3):
            assert read(url, HourWindow(START.replace(hour=hour), 1), pauses=pauses) == expect(hour)
        assert exports.counts["whole"] == 3
        assert sum(exports.counts.values()) == 5
    assert len(pauses) == 2
    assert all(0 <= pause <= LONGEST_PAUSE_SECONDS for pause in pauses)


@pytest.mark.parametrize("faults", [Faults(1, 0, 0, 0), Faults(0, 1, 0, 0), Faults(0, 0, 1, 0), Faults(0, 0, 0, 1)])
def test_attempts_are_bounded_with_pauses_that_grow(faults: Faults) -> None:
    pauses: list[float] = []
    with serve(faults) as (url, exports):
        with pytest.raises(UnavailableError, match="Amplitude"):
            read(url, HourWindow(START, 1), pauses=pauses)
        assert exports.requests == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1
    assert len(set(pauses)) > 1


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        read("http://127.0.0.1:9/export", HourWindow(START, 1))


def test_too_large_and_refused_are_told_at_once() -> None:
    with serve(Faults(0, 0, 0, 0, max_events=200)) as (url, exports):
        with pytest.raises(ResponseTooLargeError, match="too large"):
            read(url, HourWindow(START, 2))
        with pytest.raises(ForbiddenError) as caught:
            read(url, HourWindow(START, 1), keys=AmplitudeKeys(API_KEY, "wrong"))
        assert caught.value.code == "credentials_refused"
        assert "wrong" not in str(caught.value) + repr(AmplitudeKeys(API_KEY, "wrong"))
        assert exports.requests == 1
