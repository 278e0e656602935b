"""How long after a rollback the version before answers: in every process of the service, through its production server."""

import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.training.registration import roll_back_alias
from tests.fixtures.metadata_rows import make_user
from tests.fixtures.public_api_process import Running, prepare, run
from tests.fixtures.serving import CLASSIFICATION, NOW, World, build_world

pytestmark = pytest.mark.integration

BOUND_SECONDS = 2.0
IN_A_ROW = 30
"""Answers by one version: so many that each of the server's processes gave some."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Model `m` whose version 2 serves behind version 1."""
    world = build_world(tmp_path_factory.mktemp("world"))
    model = world.add_model("m", CLASSIFICATION, "0")
    first = world.add_version(model, 1, weights=(0.5, 0.01, -0.1))
    world.deploy(model, world.add_version(model, 2, weights=(-0.5, 0.02, 0.1)), previous=first)
    world.experiment(model)
    return world


@pytest.fixture(scope="module")
def running(emulator: str, mariadb: str, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    assert emulator
    folder = tmp_path_factory.mktemp("public_api")
    with run(prepare(mariadb, world, folder), folder) as service:
        yield service


def ask(running: Running) -> int:
    """Return the version that answers units that the model is for."""
    status, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": f"u{number}"} for number in range(20)]})
    assert status == 200
    (version,) = {each["model_version"] for each in answer["results"] if each["answered_by"] == "model"}
    return int(version)


def wait_for(running: Running, version: int) -> tuple[float, Counter[int]]:
    """Return how many seconds it took until every answer was by the version, and what answered meanwhile."""
    begun, last_other, answers, in_a_row = time.monotonic(), 0.0, Counter[int](), 0
    while in_a_row < IN_A_ROW:
        assert time.monotonic() - begun < 30, answers
        found = ask(running)
        answers[found] += 1
        in_a_row = in_a_row + 1 if found == version else 0
        last_other = last_other if found == version else time.monotonic() - begun
    return last_other, answers


def test_a_rollback_answers_with_the_version_before_within_two_seconds(
    running: Running, mariadb: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_for(running, 2)
    engine = build_engine_from_url(mariadb)
    model = world.catalog.catalogs["ws_1"].deployments["m"].model

    roll_back_alias(model=model, alias="production", by=make_user("ws_1"), now=NOW, versions=SqlVersionRegistry(engine))
    took, answers = wait_for(running, 1)
    engine.dispose()

    with capsys.disabled():
        sys.stdout.write(f"\nrollback: the last other answer came after {took:.2f} s, of {dict(answers)}\n")
    assert set(answers) <= {1, 2}
    assert took < BOUND_SECONDS
