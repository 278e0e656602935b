"""Releases and rollbacks of real containers under constant load, through the gateway and the load balancer."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import boto3
import pytest

from delivery.blue_green import Controller, Patience
from delivery.errors import DeliveryError
from delivery.parameter_history import ParameterHistory
from delivery.use_cases import release, roll_back
from tests.integration.containers.conftest import World
from tests.integration.containers.load import Load, constant_load
from tests.integration.containers.platform import Stage

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]
PER_SECOND = 60
PATIENCE = Patience(start_seconds=60, bake_seconds=5)


class Clocked:
    """A stage's controller, and when it first said a word."""

    def __init__(self, stage: Stage, *, patience: Patience = PATIENCE, watch: Callable[[], str | None] | None = None, asks: bool = True) -> None:
        self.said: list[tuple[float, str]] = []
        self.mover = Controller(stage.fleet(asks_for_predictions=asks), patience=patience, say=self._say, watch=watch)

    def _say(self, text: str) -> None:
        self.said.append((time.monotonic(), text))
        print(text)  # noqa: T201 - the figures are the point of these tests

    def when(self, start: str) -> float:
        return next(at for at, text in self.said if text.startswith(start))


def go(stage: Stage, digest: str, mover: Controller) -> None:
    release(stage.name, digest, mover=mover, histories=ParameterHistory(boto3.client("ssm")), now=lambda: datetime.now(UTC))  # type: ignore[arg-type]


def describe(load: Load) -> str:
    return f"{len(load.calls)} requests at {load.per_second:.0f}/s, {len(load.failed())} failed"


@pytest.fixture(scope="module")
def live(world: World) -> World:
    """Both stages serve the first build, staging first."""
    for name in ("staging", "production"):
        stage = world.stages[name]
        fleet, deadline = stage.fleet(), time.monotonic() + 90
        while (problem := fleet.find_problem("blue")) is not None:
            assert time.monotonic() < deadline, problem
            time.sleep(0.5)
        go(stage, world.builds.first, Clocked(stage).mover)
    return world


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
    assert production.fleet().find_build("green") == second
    assert load.per_second >= 50
    assert load.failed() == []
