"""The container engine, an emulator that uses it, the builds, and the two stages: made once for all tests here."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from localstack import emulator as local_emulator
from localstack.containers import engine as containers
from localstack.containers.engine import BRIDGE, Engine
from localstack.guard import run_guarded, stop_guarded
from localstack.places import Places
from localstack.program import Program, free_port
from tests.fixtures.servers import SessionServers
from tests.integration.containers.platform import Stage, create_stage

CRASHES = {"/opt/program/services/public_api/app.py": 'raise SystemExit("this build cannot start")\n'}
ANSWERS_500 = {
    "/opt/program/services/public_api/routes/predictions.py": (
        "from flask import Blueprint\n\n"
        'blueprint = Blueprint("predictions", __name__)\n\n\n'
        '@blueprint.post("/predict")\n'
        "def predict():\n"
        '    return {"title": "this build cannot predict"}, 500\n'
    )
}
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

    stages: dict[str, Stage]
    builds: Builds
    port: int


@pytest.fixture(scope="session")
def world(servers: SessionServers) -> Iterator[World]:
    if reason := containers.missing():
        pytest.skip(f"containers cannot run here: {reason}")
    state = Path(tempfile.mkdtemp(prefix="presage-containers-", dir="/var/tmp"))
    cache = Places().cache
    cache.mkdir(exist_ok=True)
    port, database = free_port(), servers.mariadb()
    engine = Engine(Places(state=state, cache=cache), port)
    guards: list[int] = []
    try:
        with pytest.MonkeyPatch.context() as patch, (cache / "containers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one engine at a time on these images and on this bridge
            for name, value in local_emulator.client_environment(port).items():
                patch.setenv(name, value)
            engine.configure()
            _start(engine, guards, ports=(port, database.port))
            builds = _build(engine)
            stages = {
                name: create_stage(name, digest=builds.first, server=database, folder=state / name, endpoint=local_emulator.endpoint(port))
                for name in ("staging", "production")
            }
            yield World(stages, builds, port)
    finally:
        for guard in reversed(guards):
            stop_guarded(guard, seconds=60)
        shutil.rmtree(engine.runtime, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)


def _start(engine: Engine, guards: list[int], *, ports: tuple[int, ...]) -> None:
    forwarder = Program(
        name="forwarder",
        command=(sys.executable, "-m", "localstack.containers.forwarder", "--address", BRIDGE, *map(str, ports)),
        environment={"PATH": os.defpath},
        directory=engine.folder,
        is_ready=lambda: True,
    )
    emulator = local_emulator.build_program(
        python=local_emulator.install(engine.places, python=sys.executable),
        port=engine.registry_port,
        state=None,
        directory=engine.folder,
        provisioning={"DOCKER_HOST": engine.socket},
    )
    programs = (engine.build_program(), forwarder, emulator)
    guards.extend(run_guarded(program, owner=os.getpid(), log=engine.folder / f"{program.name}.log") for program in programs)


def _build(engine: Engine) -> Builds:
    boto3.client("ecr").create_repository(repositoryName="presage/public_api")
    first = engine.build_image("public_api")
    images = [first, *(engine.derive_image(first, files) for files in (NEXT, CRASHES, ANSWERS_500))]
    return Builds(*(engine.push(image, "public_api") for image in images))
