"""`ModelRegistry`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.errors import AlreadyExistsError, NotFoundError
from presage.listing import ListQuery
from presage.training.ports import ModelRegistry
from tests.fixtures.metadata_rows import make_model


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def registry(request: pytest.FixtureRequest) -> ModelRegistry:
    if request.param == "memory":
        return MemoryModelRegistry()
    engine: Engine = request.getfixturevalue("engine")
    return SqlModelRegistry(engine)


def test_a_model_is_read_back_as_it_was(registry: ModelRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)

    registry.create_model(model)

    assert registry.get_model(workspace_id, model.model_id) == model
    assert registry.find_model_by_name(workspace_id, model.name) == model


def test_a_name_is_taken_once_in_a_workspace(registry: ModelRegistry, workspace_id: str) -> None:
    registry.create_model(make_model(workspace_id))
    registry.create_model(make_model(f"{workspace_id}x"))

    with pytest.raises(AlreadyExistsError):
        registry.create_model(make_model(workspace_id))


def test_another_workspaces_model_does_not_exist(registry: ModelRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)
    registry.create_model(model)

    with pytest.raises(NotFoundError):
        registry.get_model(f"{workspace_id}x", model.model_id)
    with pytest.raises(NotFoundError):
        registry.reserve_version(f"{workspace_id}x", model.model_id)
    assert registry.find_model_by_name(f"{workspace_id}x", model.name) is None


def test_pages_follow_each_other_in_the_order_of_ids(registry: ModelRegistry, workspace_id: str) -> None:
    models = sorted((make_model(workspace_id, f"m{number}") for number in range(3)), key=lambda model: model.model_id)
    for model in models:
        registry.create_model(model)

    first = registry.list_models(workspace_id, limit=2)

    assert [*first, *registry.list_models(workspace_id, after=first[-1].model_id, limit=2)] == models


def test_version_numbers_are_given_out_once_each(registry: ModelRegistry, workspace_id: str) -> None:
    model = make_model(workspace_id)
    registry.create_model(model)

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: registry.reserve_version(workspace_id, model.model_id), range(12)))

    assert sorted(numbers) == list(range(1, 13))


def test_a_list_tells_the_last_build(registry: ModelRegistry, workspace_id: str) -> None:
    built, unbuilt = make_model(workspace_id, "built"), make_model(workspace_id, "unbuilt")
    for model in (built, unbuilt):
        registry.create_model(model)
    registry.reserve_version(workspace_id, built.model_id)
    registry.reserve_version(workspace_id, built.model_id)

    listing = cast("MemoryModelRegistry | SqlModelRegistry", registry).listing
    found = listing.search(workspace_id, ListQuery("name")).items

    assert [(model.name, model.spec, model.last_version) for model in found] == [("built", built.spec, 2), ("unbuilt", unbuilt.spec, 0)]
