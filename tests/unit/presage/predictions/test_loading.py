"""Versions are loaded once, share snapshot files, and are tried again after a failure."""

from pathlib import Path
from threading import Thread

import pytest

from presage.errors import CorruptArtifactError, UnavailableError
from presage.predictions.catalog import CatalogCache
from presage.predictions.loading import ScorerCache
from presage.predictions.scorer import Scorer
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
    assert cache.get_artifact(version) == first.artifact


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
        ScorerCache(world.files).get_artifact(version)


def test_a_new_version_of_a_model_in_use_is_ready_before_it_serves(world: World) -> None:
    used, unused = world.add_model("m", CLASSIFICATION, "0"), world.add_model("unused", CLASSIFICATION, "0")
    cache = ScorerCache(world.files)
    cache.get_scorer(world.add_version(used, 1, weights=(0, 0, 0)))
    new, other = world.add_version(used, 2, weights=(0, 0, 0)), world.add_version(unused, 1, weights=(0, 0, 0))
    world.deploy(used, new)
    world.deploy(unused, other)
    CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare).get_deployment(WORKSPACE, "m")
    world.files.down = True
    assert cache.get_scorer(new).artifact.version == 2
    with pytest.raises(UnavailableError):
        cache.get_scorer(other)


def test_a_version_that_cannot_be_prepared_does_not_stop_the_catalog(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    cache = ScorerCache(world.files)
    cache.get_scorer(world.add_version(model, 1, weights=(0, 0, 0)))
    world.deploy(model, world.add_version(model, 2, weights=(0, 0, 0), format=9))
    catalog = CatalogCache(world.catalog, ttl_seconds=0, prepare=cache.prepare)
    assert catalog.get_deployment(WORKSPACE, "m").version is not None
