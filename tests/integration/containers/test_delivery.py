"""Releases and rollbacks of real containers under constant load, through the gateway and the load balancer."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from delivery.__main__ import main
from delivery.blue_green import Controller, Patience
from delivery.errors import DeliveryError
from delivery.parameter_history import ParameterHistory
from delivery.use_cases import release
from tests.integration.containers.conftest import World
from tests.integration.containers.load import Load, call, constant_load
from tests.integration.containers.platform import Stage

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(1200)]
PER_SECOND = 60
PATIENCE = Patience(start_seconds=120, bake_seconds=5)


class Clocked:
    """A stage's controller, and when it first said a word."""

    def __init__(
        self, stage: Stage, *, patience: Patience = PATIENCE, watch: Callable[[], str | None] | None = None, asks: bool = True
    ) -> None:
        self.said: list[tuple[float, str]] = []
        self.mover = Controller(stage.fleet(asks_for_predictions=asks), patience=patience, say=self._say, watch=watch)

    def _say(self, text: str) -> None:
        self.said.append((time.monotonic(), text))
        print(text)  # noqa: T201 - the figures are the point of these tests

    def when(self, start: str) -> float:
        return next(at for at, text in self.said if text.startswith(start))


def go(stage: Stage, digest: str, mover: Controller) -> None:
    release(stage.name, digest, mover=mover, histories=ParameterHistory(boto3.client("ssm")), now=lambda: datetime.now(UTC))


def describe(load: Load) -> str:
    return f"{len(load.calls)} requests at {load.per_second:.0f}/s, {len(load.failed())} failed"


@pytest.fixture(scope="module")
def live(world: World) -> World:
    """Both stages answer predictions with the build that they were deployed with."""
    for stage in world.stages.values():
        fleet, deadline = stage.fleet(), time.monotonic() + 30
        while (problem := fleet.find_problem("blue")) is not None:
            assert time.monotonic() < deadline, problem
            time.sleep(0.5)
        assert find_live_build(stage) == world.builds.first
    return world


def watch_users(stage: Stage, port: int) -> Callable[[], str | None]:
    """Return a check that asks for a prediction as users do."""

    def check() -> str | None:
        status = call(stage, port).status
        return None if status == 200 else f"a prediction through the gateway was answered with {status}"

    return check


def find_live_build(stage: Stage) -> str | None:
    fleet = stage.fleet()
    live = fleet.find_live()
    return None if live is None else fleet.find_build(live)


def test_a_good_build_reaches_production_without_a_lost_request_and_staging_first(live: World) -> None:
    production, staging, second = live.stages["production"], live.stages["staging"], live.builds.second
    with pytest.raises(DeliveryError, match="not run on staging"):
        go(production, second, Clocked(production).mover)
    go(staging, second, Clocked(staging).mover)
    with constant_load(production, live.port, per_second=PER_SECOND) as load:
        time.sleep(3)
        go(production, second, Clocked(production).mover)
        time.sleep(3)
    print("good build:", describe(load))  # noqa: T201 - a figure
    assert find_live_build(production) == second
    assert load.per_second >= 50
    assert load.failed() == []


def test_a_build_that_crashes_at_start_gets_no_request(live: World) -> None:
    staging, before = live.stages["staging"], find_live_build(live.stages["staging"])
    with constant_load(staging, live.port, per_second=PER_SECOND) as load:
        mover = Clocked(staging, patience=replace(PATIENCE, start_seconds=15)).mover
        with pytest.raises(DeliveryError, match="got no request"):
            go(staging, live.builds.crashes, mover)
        time.sleep(2)
    print("crashing build:", describe(load))  # noqa: T201 - same
    assert find_live_build(staging) == before
    assert load.failed() == []


def test_a_build_that_answers_500_gets_no_request_when_it_is_asked_for_a_prediction_first(live: World) -> None:
    staging, before = live.stages["staging"], find_live_build(live.stages["staging"])
    with constant_load(staging, live.port, per_second=PER_SECOND) as load:
        mover = Clocked(staging, patience=replace(PATIENCE, start_seconds=30)).mover
        with pytest.raises(DeliveryError, match="answered 500"):
            go(staging, live.builds.answers_500, mover)
    print("500, found before the cut-over:", describe(load))  # noqa: T201 - same
    assert find_live_build(staging) == before
    assert load.failed() == []


def test_a_build_that_fails_only_in_front_of_users_is_left_by_itself(live: World) -> None:
    staging, before = live.stages["staging"], find_live_build(live.stages["staging"])
    clocked = Clocked(staging, watch=watch_users(staging, live.port), asks=False)
    with constant_load(staging, live.port, per_second=PER_SECOND) as load:
        with pytest.raises(DeliveryError, match="was rolled back"):
            go(staging, live.builds.answers_500, clocked.mover)
        time.sleep(3)
    decided, recovered = clocked.when("going back"), clocked.when("time to recover")
    print("500, found while watched:", describe(load), f"of which {len(load.failed(since=decided))} sent after the decision")  # noqa: T201 - same
    assert find_live_build(staging) == before
    assert load.failed(since=recovered) == []
    assert all(call.sent > clocked.when("cut over") - 1 for call in load.failed())


def test_one_command_goes_back_to_the_previous_build(live: World, capsys: pytest.CaptureFixture[str]) -> None:
    staging, before = live.stages["staging"], find_live_build(live.stages["staging"])
    careless = Clocked(staging, patience=replace(PATIENCE, bake_seconds=0), asks=False)
    with constant_load(staging, live.port, per_second=PER_SECOND) as load:
        go(staging, live.builds.answers_500, careless.mover)
        time.sleep(2)
        command = time.monotonic()
        assert main(["rollback", "--stage", "staging", "--controller", "own"]) == 0
        recovered = time.monotonic()
        time.sleep(3)
    said = capsys.readouterr().out
    late = len([each for each in load.failed(since=command) if each.sent < recovered])
    with capsys.disabled():
        print(said, "one command:", describe(load), f"of which {late} sent after the command and before its end")  # noqa: T201 - same
    assert "time to recover" in said
    assert find_live_build(staging) == before
    assert len(load.failed()) > 0
    assert load.failed(since=recovered) == []


def test_what_staging_logs_is_not_in_production(live: World) -> None:
    staging, production = live.stages["staging"], live.stages["production"]
    staging.take_predictions(), production.take_predictions()
    assert call(staging, live.port).status == 200
    assert (staging.take_predictions(), production.take_predictions()) == (1, 0)
    assert call(replace(staging, path=production.path), live.port).status == 403
