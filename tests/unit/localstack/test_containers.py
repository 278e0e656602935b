import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from localstack.containers.ground import PREFERRED_PORTS, STAGES, Ground
from localstack.containers.stack import ContainerStack
from localstack.emulator_main import complete_tasks
from localstack.places import Places
from localstack.program import StartError
from localstack.screen import Screen


def test_without_root_the_reason_is_said_and_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(StartError, match="containers need root"):
        ContainerStack(Places(state=tmp_path), Screen()).up()

    assert list(tmp_path.iterdir()) == []


def test_the_stages_have_databases_of_their_own(tmp_path: Path) -> None:
    ground = Ground(Places(state=tmp_path), PREFERRED_PORTS, lambda name: f"secret of {name}")
    staging, production = (ground.database(stage) for stage in STAGES)

    assert staging.data != production.data
    assert staging.port != production.port
    assert staging.password != production.password


def test_a_container_gets_the_machines_variables_beside_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALSTACK_TASK_ENVIRONMENT", '{"AWS_ACCESS_KEY_ID": "test"}')
    given: list[dict[str, str]] = []

    def build(_container: object, _definition: object, environment: dict[str, str], *_others: object) -> dict[str, str]:
        given.append(environment)
        return {}

    ecs = SimpleNamespace(_build_run_kwargs=build)
    complete_tasks(ecs)
    ecs._build_run_kwargs({}, {}, {"PRESAGE_STAGE": "staging"}, {}, None)  # noqa: SLF001 - what the emulator calls

    assert given == [{"PRESAGE_STAGE": "staging", "AWS_ACCESS_KEY_ID": "test"}]
