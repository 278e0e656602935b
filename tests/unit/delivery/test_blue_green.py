"""The controller on a fleet in memory."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from delivery.blue_green import Controller, Patience
from delivery.errors import DeliveryError
from delivery.history import History, Stage
from delivery.ports import Colour
from delivery.use_cases import release, roll_back

PATIENCE = Patience(start_seconds=0.05, ready_checks=2, bake_seconds=0.02, bake_failures=2, interval_seconds=0.001)


class Time:
    """A clock that only sleeping moves, so that a busy machine changes no outcome."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class MemoryFleet:
    """Two colours; a build named `crash…` never answers."""

    def __init__(self) -> None:
        self.builds: dict[Colour, str] = {"blue": "first"}
        self.live: Colour = "blue"
        self.cuts: list[Colour] = []

    def find_live(self) -> Colour | None:
        return self.live if self.live in self.builds else None

    def find_build(self, colour: Colour) -> str | None:
        return self.builds.get(colour)

    def start(self, colour: Colour, digest: str) -> None:
        self.builds[colour] = digest

    def find_problem(self, colour: Colour) -> str | None:
        return "no answer" if self.builds[colour].startswith("crash") else None

    def cut_over(self, colour: Colour) -> None:
        self.live = colour
        self.cuts.append(colour)

    def stop(self, colour: Colour) -> None:
        del self.builds[colour]


class MemoryHistory:
    """Histories in a dictionary."""

    def __init__(self) -> None:
        self.by_stage: dict[Stage, History] = {}

    def get_history(self, stage: Stage) -> History:
        return self.by_stage.get(stage, ())

    def put_history(self, stage: Stage, history: History) -> None:
        self.by_stage[stage] = history


def build_controller(fleet: MemoryFleet, said: list[str] | None = None, watch: Callable[[], str | None] | None = None) -> Controller:
    time = Time()
    say = (said if said is not None else []).append
    return Controller(fleet, patience=PATIENCE, say=say, watch=watch, clock=time.clock, sleep=time.sleep)


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_a_good_build_replaces_the_live_one_which_keeps_running() -> None:
    fleet = MemoryFleet()
    build_controller(fleet).release("second")
    assert (fleet.live, fleet.builds) == ("green", {"blue": "first", "green": "second"})


def test_a_build_that_does_not_start_gets_no_request() -> None:
    fleet = MemoryFleet()
    with pytest.raises(DeliveryError, match="got no request"):
        build_controller(fleet).release("crash")
    assert (fleet.cuts, fleet.builds) == ([], {"blue": "first"})


def test_a_build_that_fails_while_it_is_watched_is_left_again() -> None:
    fleet, said = MemoryFleet(), list[str]()
    with pytest.raises(DeliveryError, match="was rolled back: users see 500"):
        build_controller(fleet, said, lambda: "users see 500").release("second")
    assert (fleet.cuts, fleet.builds) == (["green", "blue"], {"blue": "first"})
    assert any(line.startswith("time to recover:") for line in said)


def test_one_failed_check_is_not_yet_a_reason_to_go_back() -> None:
    fleet, answers = MemoryFleet(), iter(["once"])
    build_controller(fleet, watch=lambda: next(answers, None)).release("second")
    assert fleet.live == "green"


def test_the_live_build_is_not_released_again() -> None:
    fleet = MemoryFleet()
    build_controller(fleet).release("first")
    assert fleet.cuts == []


def test_rolling_back_is_a_switch_while_the_other_colour_runs_the_earlier_build() -> None:
    fleet, histories = MemoryFleet(), MemoryHistory()
    mover = build_controller(fleet)
    for digest in ("first", "second"):
        release("staging", digest, mover=mover, histories=histories, now=now)
    assert roll_back("staging", mover=mover, histories=histories, now=now) == "first"
    assert (fleet.live, fleet.builds["green"]) == ("blue", "second")
    assert [move.kind for move in histories.get_history("staging")] == ["release", "release", "rollback"]


def test_rolling_back_starts_the_earlier_build_when_it_runs_no_more() -> None:
    fleet = MemoryFleet()
    fleet.builds = {"blue": "third", "green": "second"}
    build_controller(fleet).roll_back("first")
    assert (fleet.live, fleet.builds["green"]) == ("green", "first")


def test_a_failed_release_is_not_written_down() -> None:
    histories = MemoryHistory()
    with pytest.raises(DeliveryError):
        release("staging", "crash", mover=build_controller(MemoryFleet()), histories=histories, now=now)
    assert histories.get_history("staging") == ()
