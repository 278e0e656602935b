"""`ExperimentEvents`: one suite over memory and MariaDB."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.experiment_events import MemoryExperimentEvents
from presage.adapters.sql.experiment_events import SqlExperimentEvents
from presage.errors import AlreadyExistsError
from presage.experiments.events import ExperimentEvent
from presage.experiments.ports import ExperimentEvents
from tests.fixtures.metadata_rows import NOW, at


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def events(request: pytest.FixtureRequest) -> ExperimentEvents:
    if request.param == "memory":
        return MemoryExperimentEvents()
    engine: Engine = request.getfixturevalue("engine")
    return SqlExperimentEvents(engine)


def test_events_are_appended_once_each_and_listed_in_order(events: ExperimentEvents, workspace_id: str) -> None:
    started = ExperimentEvent(workspace_id, "exp_1", 1, "started", NOW, "usr_1", "")
    extended = ExperimentEvent(workspace_id, "exp_1", 2, "extended", at(1), "usr_2", "Ferien Ⅻ 😀", 14, 1_000_000_000)
    events.append_event(started)
    reweighted = ExperimentEvent(workspace_id, "exp_1", 3, "reweighted", at(2), "usr_1", "it looks safe", treatment_share=0.5)
    events.append_event(extended)
    events.append_event(reweighted)
    of_arms = ExperimentEvent(workspace_id, "exp_1", 4, "reweighted", at(3), "usr_1", "so do they", arm_weights=(0.1, 1 / 3))
    events.append_event(of_arms)

    with pytest.raises(AlreadyExistsError):
        events.append_event(replace(extended, reason="another"))

    assert events.list_events(workspace_id, "exp_1") == [started, extended, reweighted, of_arms]
    assert events.list_events(workspace_id, "exp_2") == []
    assert events.list_events(f"{workspace_id}x", "exp_1") == []
