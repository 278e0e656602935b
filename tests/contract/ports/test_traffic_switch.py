"""`TrafficSwitch`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.traffic_switch import MemoryTrafficSwitch
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.traffic_switch import SqlTrafficSwitch
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.errors import ConflictError
from presage.experiments.model import Experiment
from presage.experiments.ports import TrafficSwitch
from presage.training.model import Model
from presage.training.ports import VersionRegistry
from tests.fixtures.metadata_rows import at, make_experiment, make_model, make_move


@dataclass
class Alias:
    switch: TrafficSwitch
    versions: VersionRegistry
    model: Model
    experiment: Experiment


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def alias(request: pytest.FixtureRequest, workspace_id: str) -> Alias:
    model = make_model(workspace_id)
    experiment = make_experiment(workspace_id, model_id=model.model_id)
    if request.param == "memory":
        versions = MemoryVersionRegistry()
        return Alias(MemoryTrafficSwitch(versions), versions, model, experiment)
    engine: Engine = request.getfixturevalue("engine")
    SqlModelRegistry(engine).create_model(model)
    return Alias(SqlTrafficSwitch(engine), SqlVersionRegistry(engine), model, experiment)


def test_traffic_moves_and_the_version_stays(alias: Alias) -> None:
    alias.versions.append_alias_move(make_move(alias.model, 1))
    alias.versions.append_alias_move(make_move(alias.model, 2))

    alias.switch.switch_traffic(alias.experiment, to="default", version=None, reason="exp_1: rolled back", now=at(5))

    newest = alias.versions.list_alias_moves(alias.model.workspace_id, alias.model.model_id, "production")[0]
    assert newest == replace(make_move(alias.model, 2), traffic="default", reason="exp_1: rolled back", moved_at=at(5))


def test_the_alias_moves_back_to_a_version(alias: Alias) -> None:
    for version in (1, 2, 3):
        alias.versions.append_alias_move(make_move(alias.model, version))

    alias.switch.switch_traffic(alias.experiment, to="model", version=1, reason="exp_1: rolled back", now=at(5))

    newest = alias.versions.list_alias_moves(alias.model.workspace_id, alias.model.model_id, "production")[0]
    assert newest == replace(make_move(alias.model, 1), reason="exp_1: rolled back", moved_at=at(5))


def test_the_same_reason_moves_once_even_at_the_same_time(alias: Alias) -> None:
    alias.versions.append_alias_move(make_move(alias.model, 1))

    with ThreadPoolExecutor(1 if isinstance(alias.switch, MemoryTrafficSwitch) else 4) as pool:
        for _ in range(6):
            pool.submit(alias.switch.switch_traffic, alias.experiment, to="model", version=None, reason="exp_1: shipped", now=at(5))

    assert len(alias.versions.list_alias_moves(alias.model.workspace_id, alias.model.model_id, "production")) == 2


def test_there_is_nothing_to_move_before_a_version_serves(alias: Alias) -> None:
    with pytest.raises(ConflictError):
        alias.switch.switch_traffic(alias.experiment, to="model", version=None, reason="exp_1: shipped", now=at(5))

    assert alias.versions.list_alias_moves(alias.model.workspace_id, alias.model.model_id, "production") == []
