"""`VersionRegistry`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.errors import AlreadyExistsError, NotFoundError
from presage.training.ports import ProductionVersions, VersionRegistry
from tests.fixtures.metadata_rows import make_model, make_move, make_version, unique


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def registry(request: pytest.FixtureRequest) -> VersionRegistry:
    if request.param == "memory":
        return MemoryVersionRegistry()
    engine: Engine = request.getfixturevalue("engine")
    return SqlVersionRegistry(engine)


def test_versions_are_listed_newest_first_as_they_were(registry: VersionRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)
    versions = [make_version(model, number) for number in (2, 1, 10)]
    for version in versions:
        registry.create_version(version)

    assert registry.list_versions(workspace_id, model.model_id) == [versions[2], versions[0], versions[1]]
    assert registry.list_versions(workspace_id, model.model_id, limit=2) == [versions[2], versions[0]]
    assert registry.list_versions(workspace_id, model.model_id, before=versions[0].version) == [versions[1]]
    assert registry.get_version(workspace_id, model.model_id, 10) == versions[2]


def test_a_version_is_registered_once(registry: VersionRegistry, workspace_id: str) -> None:
    version = make_version(make_model(workspace_id), 1)
    registry.create_version(version)

    with pytest.raises(AlreadyExistsError, match="1"):
        registry.create_version(version)


def test_another_workspaces_version_does_not_exist(registry: VersionRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)
    registry.create_version(make_version(model, 1))

    with pytest.raises(NotFoundError):
        registry.get_version(f"{workspace_id}x", model.model_id, 1)
    assert registry.list_versions(f"{workspace_id}x", model.model_id) == []


def test_an_aliass_history_is_newest_first_and_its_own(registry: VersionRegistry, workspace_id: str) -> None:
    model, other = make_model(workspace_id), make_model(workspace_id, "other")
    moves = [make_move(model, number) for number in (1, 2, 1)]
    for move in [*moves, make_move(other, 9)]:
        registry.append_alias_move(move)

    assert registry.list_alias_moves(workspace_id, model.model_id, "production") == moves[::-1]
    assert registry.list_alias_moves(workspace_id, model.model_id, "staging") == []
    assert registry.list_alias_moves(f"{workspace_id}x", model.model_id, "production") == []


def test_an_alias_advances_once_to_a_version_and_never_back(registry: VersionRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)

    moved = [registry.advance_alias(make_move(model, version)) for version in (2, 2, 1, 3)]
    registry.append_alias_move(make_move(model, 2, reason="rolled back"))

    assert moved == [True, False, False, True]
    assert not registry.advance_alias(make_move(model, 3))
    assert registry.advance_alias(make_move(make_model(workspace_id, "other"), 1))
    history = registry.list_alias_moves(workspace_id, model.model_id, "production")
    assert [move.version for move in history] == [2, 3, 2]


def test_what_is_in_production_is_listed_over_all_workspaces_in_pages(registry: VersionRegistry) -> None:
    models = sorted((make_model(unique("ws"), f"m{number}") for number in range(4)), key=lambda model: model.model_id)
    for model in models:
        for number in (1, 2):
            registry.create_version(make_version(model, number))
            registry.append_alias_move(make_move(model, number))
    registry.append_alias_move(make_move(models[1], 1, reason="rolled back"))
    registry.append_alias_move(replace(make_move(models[2], 2), traffic="default"))
    registry.append_alias_move(replace(make_move(models[3], 1), alias="staging"))

    mine = {model.model_id for model in models}
    served = cast("ProductionVersions", registry)
    pages = [served.list_in_production(limit=1000), served.list_in_production(after=models[0].model_id, limit=1000)]

    listed = [[(found.workspace_id, found.model_id, found.version) for found in page if found.model_id in mine] for page in pages]
    expected = [(models[place].workspace_id, models[place].model_id, version) for place, version in ((0, 2), (1, 1), (3, 2))]
    assert listed == [expected, expected[1:]]
    assert len(served.list_in_production(limit=2)) == 2


@pytest.mark.integration
def test_of_workers_that_finish_the_same_build_one_moves_the_alias(engine: Engine, workspace_id: str) -> None:
    model, registry = make_model(workspace_id), SqlVersionRegistry(engine)
    SqlModelRegistry(engine).create_model(model)

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda _: registry.advance_alias(make_move(model, 1)), range(4)))

    assert sorted(moved) == [False, False, False, True]
    assert len(registry.list_alias_moves(workspace_id, model.model_id, "production")) == 1
