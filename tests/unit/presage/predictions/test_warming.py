"""What is in service is loaded before a process says that it is ready, and nothing keeps it from that for ever."""

import gc
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from presage.errors import UnavailableError
from presage.predictions.catalog import CatalogCache
from presage.predictions.loading import ScorerCache
from presage.predictions.warming import Warming, WarmingPorts
from presage.training.model import ModelVersion
from tests.fixtures.serving import CLASSIFICATION, WORKSPACE, World, build_world


@dataclass
class Start:
    """A process that starts: its clock goes on when it pauses; `back_at` that time what was down is not any more."""

    world: World
    memory_bytes: int = 1 << 28
    now: float = 0.0
    back_at: float = math.inf

    def __post_init__(self) -> None:
        self.scorers = ScorerCache(self.world.files, memory_bytes=self.memory_bytes, retry_seconds=0.0)
        ports = WarmingPorts(self.world.catalog, CatalogCache(self.world.catalog, ttl_seconds=60.0), self.scorers)
        self.warming = Warming(ports, longest_seconds=60.0, clock=lambda: self.now, pause=self.pause)

    def pause(self, seconds: float) -> None:
        with pytest.raises(UnavailableError):
            self.warming.check()
        self.now += seconds
        if self.now > 600:
            raise TimeoutError
        if self.now >= self.back_at:
            self.world.files.down = self.world.catalog.down = False

    def run(self) -> None:
        self.warming.start(lambda work: work())


def serve(world: World, name: str, *, weights: tuple[float, ...] = (0.5, 0.01, -0.1)) -> ModelVersion:
    model = world.add_model(name, CLASSIFICATION, "0")
    version = world.add_version(model, 1, weights=weights)
    world.deploy(model, version)
    return version


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def test_a_process_is_ready_once_the_models_in_service_are_loaded(world: World) -> None:
    versions = [serve(world, name) for name in ("a", "b")]
    world.add_model("never trained", CLASSIFICATION, "0")
    start = Start(world)
    with pytest.raises(UnavailableError):
        start.warming.check()
    start.run()
    start.warming.check()
    assert start.now == 0.0
    world.files.down = True
    assert [start.scorers.get_scorer(version).artifact.model_id for version in versions] == ["mdl_a", "mdl_b"]


def test_a_process_without_models_is_ready_when_the_metadata_are_read(world: World) -> None:
    start = Start(world)
    start.run()
    start.warming.check()


def test_a_broken_model_keeps_nobody_waiting(world: World) -> None:
    broken, sound = serve(world, "broken"), serve(world, "sound")
    del world.files.artifacts[broken.artifact_key]
    start = Start(world)
    start.run()
    start.warming.check()
    assert start.now == 0.0
    assert (start.scorers.holds(broken), start.scorers.holds(sound)) == (False, True)


def test_a_store_that_comes_back_is_waited_for(world: World) -> None:
    version = serve(world, "m")
    world.files.down = True
    start = Start(world, back_at=5.0)
    start.run()
    start.warming.check()
    assert (start.now, start.scorers.holds(version)) == (5.0, True)


def test_a_store_that_stays_away_is_not_waited_for_longer_than_the_bound(world: World) -> None:
    serve(world, "a")
    serve(world, "b")
    world.files.down = True
    start = Start(world)
    start.run()
    start.warming.check()
    assert start.now == 60.0


def test_the_database_is_waited_for_until_it_answers(world: World) -> None:
    version = serve(world, "m")
    world.catalog.down = True
    start = Start(world, back_at=300.0)
    start.run()
    start.warming.check()
    assert (start.now, start.scorers.holds(version)) == (300.0, True)


def test_ready_once_is_ready_for_good(world: World) -> None:
    serve(world, "m")
    start = Start(world)
    start.run()
    world.files.down = world.catalog.down = True
    start.now = 1e6
    start.warming.check()


def test_loading_ends_when_the_memory_is_full_and_what_is_loaded_stays(world: World) -> None:
    versions = [serve(world, name) for name in ("a", "b", "c", "d")]
    probe = Start(world)
    weight = probe.scorers.get_scorer(versions[0]).nbytes
    del probe
    gc.collect()  # a snapshot file is open once in a process
    start = Start(world, memory_bytes=2 * weight)
    start.run()
    start.warming.check()
    assert [start.scorers.holds(version) for version in versions] == [False, True, True, False]


def test_the_workspaces_are_told_newest_first(world: World) -> None:
    serve(world, "m")
    assert world.catalog.list_serving_workspaces(limit=5) == [WORKSPACE]
    assert world.catalog.list_serving_workspaces(limit=0) == []
