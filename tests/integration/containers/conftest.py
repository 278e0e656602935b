"""The two stages as `make up CONTAINERS=1` makes them, and builds that they may be given: made once for all tests here."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from delivery.history import Stage as StageName
from localstack import emulator
from localstack.containers import engine as containers
from localstack.containers.ground import PREFERRED_PORTS, STAGES, Ground
from localstack.containers.stages import SERVICE, Stages
from localstack.guard import run_guarded, stop_guarded
from localstack.places import ROOT, Places
from localstack.program import free_port
from localstack.state import State
from tests.fixtures.synthesis import UNJUDGED
from tests.integration.containers.platform import Stage, furnish

CRASHES = {"/opt/program/services/public_api/app.py": 'raise SystemExit("this build cannot start")\n'}
_ROUTE = "services/public_api/direct.py"
_BROKEN = """

def _answer(_route: PredictRoute, call: Call) -> Reply:
    return Reply(500, call.headers, b"this build cannot predict")


PredictRoute.answer = _answer
"""
ANSWERS_500 = {f"/opt/program/{_ROUTE}": (ROOT / _ROUTE).read_text() + _BROKEN}
NEXT = {"/opt/program/BUILD": "the next build\n"}


@dataclass(frozen=True)
class Builds:
    """Digests in the registry: two that work and two that do not."""

    first: str
    second: str
    crashes: str
    answers_500: str


@dataclass(frozen=True)
class World:
    """Everything that a test of deliveries needs."""

    stages: Mapping[StageName, Stage]
    builds: Builds
    port: int


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    if reason := containers.missing():
        pytest.skip(f"containers cannot run here: {reason}")
    state = Path(tempfile.mkdtemp(prefix="presage-containers-", dir="/var/tmp"))
    ports = {name: free_port() for name in PREFERRED_PORTS}
    ground = Ground(Places(state=state), ports, cache(lambda _name: secrets.token_hex(12)), fast=True)
    guards: list[int] = []
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (emulator.client_environment(ports["emulator"]) | UNJUDGED).items():
                patch.setenv(name, value)
            logs = state / "logs"
            guards.extend(run_guarded(each, owner=os.getpid(), log=logs / f"{each.name}.log") for each in ground.list_programs())
            yield _furnish(ground)
    finally:
        for guard in reversed(guards):
            stop_guarded(guard, seconds=60)
        ground.engine.remove_containers()
        shutil.rmtree(ground.engine.runtime, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)


def _furnish(ground: Ground) -> World:
    stages, engine = Stages(ground, say=print, arguments={"minimum_tasks": "1"}), ground.engine
    first = stages.build()
    derived = [engine.derive_image(engine.build_image(SERVICE), files) for files in (NEXT, CRASHES, ANSWERS_500)]
    builds = Builds(first, *(engine.push(image, SERVICE) for image in derived))
    stages.deploy(first, State(ground.places.state / "state.json"))
    for name in STAGES:
        stages.open(name)
    return World({name: furnish(name, stages, ground.places.state / "world" / name) for name in STAGES}, builds, ground.ports["emulator"])
