"""Versions are loaded once, share snapshot files, and are tried again after a failure."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from presage.errors import CorruptArtifactError, UnavailableError
from presage.predictions.catalog import CatalogCache
from presage.predictions.ladder import climb, find_scorer, list_rungs
from presage.predictions.loading import ScorerCache
from presage.predictions.scorer import Scorer
from presage.training.model import ModelVersion
from tests.fixtures.serving import CLASSIFICATION, RANKING, WORKSPACE, World, build_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def test_a_version_is_loaded_once(world: World) -> None:
    version = world.add_version(world.add_model("m", RANKING, ()), 1, weights=(0, 0, 0, 1, 0))
    cache = ScorerCache(world.files)
    first = cache.get_scorer(version)
    world.files.down = True
    assert cache.get_scorer(version) is first
    assert cache.read_artifact(version).artifact == first.artifact


def test_versions_with_the_same_snapshot_bytes_share_the_open_file(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    versions = [world.add_version(model, number, weights=(0, 0, 0)) for number in (1, 2, 3, 4)]
    assert len({body for key, body in world.files.lake.items() if key.endswith("lmdb")}) == 1
    cache = ScorerCache(world.files)
    found: list[Scorer] = []
    threads = [Thread(target=lambda version=version: found.append(cache.get_scorer(version))) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(scorer.artifact.version for scorer in found) == [1, 2, 3, 4]


def test_a_failure_is_remembered_for_a_pause_only(world: World) -> None:
    version = world.add_version(world.add_model("m", CLASSIFICATION, "0"), 1, weights=(0, 0, 0))
    patient, eager = ScorerCache(world.files, retry_seconds=60), ScorerCache(world.files, retry_seconds=0)
    world.files.down = True
    for cache in (patient, eager):
        with pytest.raises(UnavailableError):
            cache.get_scorer(version)
    world.files.down = False
    assert eager.get_scorer(version).artifact.version == 1
    with pytest.raises(UnavailableError):
        patient.get_scorer(version)


def test_a_version_that_cannot_be_loaded_is_said_once_however_many_ask(world: World, caplog: pytest.LogCaptureFixture) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.files.artifacts.clear()
    scorers = ScorerCache(world.files, retry_seconds=60)
    deployment = world.catalog.catalogs[WORKSPACE].deployments["m"]
    for _ in range(5):
        assert climb(deployment, [], scorers).fallback_reason == "corrupt_artifact"
        assert find_scorer(list_rungs(deployment), scorers) is None
    assert [message.partition(":")[0] for message in caplog.messages] == ["version 1 of mdl_m cannot be loaded"]


def test_a_snapshot_of_another_model_is_not_used(world: World) -> None:
    mine = world.add_version(world.add_model("m", CLASSIFICATION, "0"), 1, weights=(0, 0, 0))
    other = world.add_version(world.add_model("o", CLASSIFICATION, "0"), 1, weights=(0, 0, 0))
    world.files.lake[mine.snapshot_key] = world.files.lake[other.snapshot_key]
    with pytest.raises(CorruptArtifactError):
        ScorerCache(world.files).get_scorer(mine)


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'{"format": 1}'])
def test_a_manifest_that_cannot_be_read_is_corrupt(world: World, body: bytes) -> None:
    version = world.add_version(world.add_model("m", CLASSIFICATION, "0"), 1, weights=(0, 0, 0))
    world.files.artifacts[version.artifact_key] = body
    with pytest.raises(CorruptArtifactError):
        ScorerCache(world.files).read_artifact(version)


def collect(works: list[Callable[[], None]]) -> Callable[[Callable[[], None]], None]:
    return works.append


def test_a_new_version_serves_as_soon_as_it_is_ready_and_the_last_one_until_then(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    works: list[Callable[[], None]] = []
    cache = ScorerCache(world.files, start=collect(works))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, first)
    cache.get_scorer(catalog.get_deployment(WORKSPACE, "m").version or second)
    catalog.get_deployment(WORKSPACE, "m")
    world.deploy(model, second, previous=first)
    for _ in range(3):
        assert catalog.get_deployment(WORKSPACE, "m").version == first
    assert len(works) == 1
    works.pop()()
    world.files.down = True
    assert catalog.get_deployment(WORKSPACE, "m").version == second
    assert cache.get_scorer(second).artifact.version == 2
    assert works == []


def test_what_is_not_the_version_is_never_held_back(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    cache = ScorerCache(world.files, start=collect([]))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, first)
    cache.get_scorer(first)
    catalog.get_deployment(WORKSPACE, "m")
    world.deploy(model, second, previous=first, traffic="default")
    world.experiment(model)
    found = catalog.get_deployment(WORKSPACE, "m")
    assert found.version == first
    assert found.move is not None
    assert (found.move.traffic, found.experiment is not None) == ("default", True)


def test_a_model_that_nobody_asked_for_is_not_loaded(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    works: list[Callable[[], None]] = []
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=ScorerCache(world.files, start=collect(works)).prepare)
    for number in (1, 2):
        version = world.add_version(model, number, weights=(0, 0, 0))
        world.deploy(model, version)
        assert catalog.get_deployment(WORKSPACE, "m").version == version
    assert works == []


def test_a_version_that_cannot_be_prepared_takes_its_place_for_the_ladder_to_say_so(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    works: list[Callable[[], None]] = []
    cache = ScorerCache(world.files, start=collect(works))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0), format=9)
    world.deploy(model, first)
    cache.get_scorer(first)
    catalog.get_deployment(WORKSPACE, "m")
    world.deploy(model, second, previous=first)
    assert catalog.get_deployment(WORKSPACE, "m").version == first
    works.pop()()
    assert catalog.get_deployment(WORKSPACE, "m").version == second
    assert works == []


def test_a_rollback_to_a_version_that_is_still_loaded_is_at_once(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    cache = ScorerCache(world.files, start=lambda work: work())
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, first)
    cache.get_scorer(first)
    for version in (first, second, first):
        world.deploy(model, version)
        assert catalog.get_deployment(WORKSPACE, "m").version == version


def test_an_experiment_begins_once_the_version_of_its_control_is_loaded(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    works: list[Callable[[], None]] = []
    cache = ScorerCache(world.files, start=collect(works))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, second)
    cache.get_scorer(second)
    catalog.get_deployment(WORKSPACE, "m")
    experiment = world.experiment(model, policy="previous_version", control=first)
    for _ in range(2):
        assert catalog.get_deployment(WORKSPACE, "m").experiment is None
    assert len(works) == 1
    works.pop()()
    world.files.down = True
    found = catalog.get_deployment(WORKSPACE, "m")
    assert (found.experiment, found.control) == (experiment, first)
    assert cache.get_scorer(first).artifact.version == 1


def test_an_experiment_whose_control_cannot_be_loaded_begins_for_the_ladder_to_say_so(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    works: list[Callable[[], None]] = []
    cache = ScorerCache(world.files, start=collect(works))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    broken, second = world.add_version(model, 1, weights=(0, 0, 0), format=9), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, second)
    cache.get_scorer(second)
    catalog.get_deployment(WORKSPACE, "m")
    experiment = world.experiment(model, policy="previous_version", control=broken)
    assert catalog.get_deployment(WORKSPACE, "m").experiment is None
    works.pop()()
    assert catalog.get_deployment(WORKSPACE, "m").experiment == experiment


def test_versions_are_loaded_in_threads_beside_requests(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    cache = ScorerCache(world.files)
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    first, second = world.add_version(model, 1, weights=(0, 0, 0)), world.add_version(model, 2, weights=(0, 0, 0))
    world.deploy(model, first)
    cache.get_scorer(first)
    catalog.get_deployment(WORKSPACE, "m")
    world.deploy(model, second)
    deadline = time.monotonic() + 20
    while catalog.get_deployment(WORKSPACE, "m").version != second:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    world.files.down = True
    assert cache.get_scorer(second).artifact.version == 2


def test_the_least_recently_used_versions_go_when_memory_is_short(world: World) -> None:
    model = world.add_model("m", RANKING, ())
    versions = [world.add_version(model, number, weights=(0, 0, 0, 1, 0)) for number in (1, 2, 3, 4)]
    size = ScorerCache(world.files).get_scorer(versions[0]).nbytes
    gc.collect()
    cache = ScorerCache(world.files, memory_bytes=int(size * 2.5))
    for version in (versions[0], versions[1], versions[0], versions[2]):
        cache.get_scorer(version)
    world.files.down = True
    assert [is_loaded(cache, version) for version in versions] == [True, False, True, False]


def test_a_version_over_the_budget_serves_alone(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    versions = [world.add_version(model, number, weights=(0, 0, 0)) for number in (1, 2)]
    cache = ScorerCache(world.files, memory_bytes=1)
    for version in versions:
        assert cache.get_scorer(version).artifact.version == version.version
    world.files.down = True
    assert [is_loaded(cache, version) for version in versions] == [False, True]


def is_loaded(cache: ScorerCache, version: ModelVersion) -> bool:
    try:
        cache.get_scorer(version)
    except UnavailableError:
        return False
    return True
