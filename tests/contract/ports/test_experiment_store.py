"""`ExperimentStore` and `RunningExperiments`: one suite over memory and MariaDB."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.experiment_store import MemoryExperimentStore
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.experiments.model import Experiment, Look
from presage.tenancy.model import Workspace
from tests.fixtures.metadata_rows import NOW, at, make_experiment, make_user

Store = MemoryExperimentStore | SqlExperimentStore


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryExperimentStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlExperimentStore(engine)


def test_an_experiment_is_read_back_as_it_was(store: Store, workspace_id: str) -> None:
    experiment = make_experiment(workspace_id)

    store.create_experiment(experiment)

    assert store.get_experiment(workspace_id, experiment.experiment_id) == experiment
    assert store.list_experiments(workspace_id) == [experiment]


def test_a_name_is_taken_once_in_a_workspace(store: Store, workspace_id: str) -> None:
    store.create_experiment(make_experiment(workspace_id))
    store.create_experiment(make_experiment(f"{workspace_id}x"))

    with pytest.raises(AlreadyExistsError, match="trial"):
        store.create_experiment(make_experiment(workspace_id))


def test_starting_and_concluding_note_their_times(store: Store, workspace_id: str) -> None:
    draft = make_experiment(workspace_id)
    store.create_experiment(draft)

    running = store.move_state(draft, state="running", now=at(1))
    concluded = store.move_state(running, state="concluded_ship", now=at(2))

    assert running == replace(draft, state="running", started_at=at(1))
    assert concluded == replace(draft, state="concluded_ship", started_at=at(1), concluded_at=at(2))
    assert store.get_experiment(workspace_id, draft.experiment_id) == concluded


def test_what_the_start_fixes_is_kept(store: Store, workspace_id: str) -> None:
    draft = make_experiment(workspace_id)
    store.create_experiment(draft)

    running = store.move_state(replace(draft, control_version=3, holdout_share=0.05), state="running", now=at(1))

    assert (running.control_version, running.holdout_share) == (3, 0.05)
    assert store.get_experiment(workspace_id, draft.experiment_id) == running


def test_of_two_starts_at_once_each_sees_the_other(store: Store, workspace_id: str, request: pytest.FixtureRequest) -> None:
    if isinstance(store, SqlExperimentStore):
        owner = make_user(workspace_id)
        SqlWorkspaceStore(request.getfixturevalue("engine")).create_workspace(Workspace(workspace_id, "Shop", NOW), owner)
    drafts = [make_experiment(workspace_id, f"e{number}", f"mdl_{number}") for number in range(4)]
    for draft in drafts:
        store.create_experiment(draft)

    def check(active: Sequence[Experiment]) -> None:
        if active:
            raise ConflictError(f"{active[0].experiment_id} overlaps")

    def start(draft: Experiment) -> bool:
        try:
            store.move_state(draft, state="running", now=at(1), check=check)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4 if isinstance(store, SqlExperimentStore) else 1) as pool:
        began = list(pool.map(start, drafts))

    assert sum(began) == 1
    assert sum(found.state == "running" for found in store.list_experiments(workspace_id)) == 1


def test_a_state_that_changed_meanwhile_is_not_changed_again(store: Store, workspace_id: str) -> None:
    draft = make_experiment(workspace_id)
    store.create_experiment(draft)
    running = store.move_state(draft, state="running", now=at(1))

    with pytest.raises(ConflictError):
        store.move_state(draft, state="stopped_by_user", now=at(2))

    assert store.get_experiment(workspace_id, draft.experiment_id) == running


def test_a_model_has_one_experiment_running(store: Store, workspace_id: str) -> None:
    first, second = make_experiment(workspace_id, "one"), make_experiment(workspace_id, "two")
    other = make_experiment(workspace_id, "three", model_id="mdl_2")
    for experiment in (first, second, other):
        store.create_experiment(experiment)
    first = store.move_state(first, state="running", now=at(1))
    store.move_state(other, state="running", now=at(1))

    with pytest.raises(ConflictError):
        store.move_state(second, state="running", now=at(2))
    store.move_state(first, state="stopped_by_user", now=at(3))

    assert store.move_state(second, state="running", now=at(4)).state == "running"


def test_running_and_paused_experiments_of_all_workspaces_are_listed(store: Store, workspace_id: str) -> None:
    running, paused, draft = (make_experiment(f"{workspace_id}{number}") for number in range(3))
    for experiment in (running, paused, draft):
        store.create_experiment(experiment)
    store.move_state(running, state="running", now=at(1))
    store.move_state(paused, state="paused_srm", now=at(1))

    listed = {experiment.experiment_id for experiment in store.list_running(limit=1000)}

    assert {running.experiment_id, paused.experiment_id} <= listed
    assert draft.experiment_id not in listed


def test_looks_are_appended_once_each_and_listed_in_order(store: Store, workspace_id: str) -> None:
    detail = {"interval": {"lower": -0.01, "upper": 0.02}, "gates": [{"name": "days", "passed": True}], "e_value": 1.5}
    looks = [Look(workspace_id, "exp_1", number, at(number), "running", detail) for number in (1, 2)]
    for look in looks:
        store.append_look(look)

    with pytest.raises(AlreadyExistsError):
        store.append_look(replace(looks[1], decision="concluded_ship"))

    assert store.list_looks(workspace_id, "exp_1") == looks
    assert store.list_looks(f"{workspace_id}x", "exp_1") == []


def test_looks_are_listed_from_the_newest_backwards_by_the_page(store: Store, workspace_id: str) -> None:
    looks = [Look(workspace_id, "exp_1", number, at(number), "running", {}) for number in range(1, 6)]
    for look in looks:
        store.append_look(look)

    assert store.list_looks(workspace_id, "exp_1", limit=2) == looks[3:]
    assert store.list_looks(workspace_id, "exp_1", before=4, limit=2) == looks[1:3]
    assert store.list_looks(workspace_id, "exp_1", before=2, limit=2) == looks[:1]
    assert store.list_looks(workspace_id, "exp_1", before=1, limit=2) == []
    assert store.list_looks(workspace_id, "exp_1", limit=0) == []


def test_another_workspaces_experiment_does_not_exist(store: Store, workspace_id: str) -> None:
    experiment = make_experiment(workspace_id)
    store.create_experiment(experiment)

    with pytest.raises(NotFoundError):
        store.get_experiment(f"{workspace_id}x", experiment.experiment_id)
    assert store.list_experiments(f"{workspace_id}x") == []
    assert experiment.created_at == NOW
