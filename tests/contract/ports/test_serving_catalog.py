"""`ServingCatalog` over MariaDB: what serves, as the stores left it. Its memory form is filled by hand."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.sql.serving_catalog import SqlServingCatalog
from presage.adapters.sql.stores import SqlStores
from presage.experiments.events import EventKind, ExperimentEvent
from presage.experiments.model import TreatmentArm
from presage.predictions.ports import Deployment
from presage.tenancy.model import Caller
from presage.training.model import Model, VersionSnapshot
from tests.fixtures.metadata_rows import at, make_api_key, make_dataset, make_experiment, make_model, make_move, make_version

pytestmark = pytest.mark.integration


@dataclass
class Place:
    stores: SqlStores
    catalog: SqlServingCatalog
    workspace_id: str
    model: Model

    def serve(self, *versions: int) -> None:
        for version in versions:
            self.stores.versions.append_alias_move(make_move(self.model, version))

    def deployment(self) -> Deployment:
        return self.catalog.load_catalog(self.workspace_id).deployments[self.model.name]


@pytest.fixture
def place(engine: Engine, workspace_id: str) -> Place:
    stores, model = SqlStores.build(engine), make_model(workspace_id)
    stores.models.create_model(model)
    for number in (1, 2, 3):
        stores.versions.create_version(make_version(model, number))
    return Place(stores, SqlServingCatalog(engine), workspace_id, model)


def test_a_key_tells_its_workspace_until_it_is_revoked(place: Place) -> None:
    key = make_api_key(place.workspace_id)
    place.stores.api_keys.create_api_key(key)

    before = place.catalog.find_caller(key.api_key_id)
    place.stores.api_keys.revoke_api_key(place.workspace_id, key.api_key_id, now=at(1))

    assert before == Caller(key.api_key_id, place.workspace_id, key.plan)
    assert place.catalog.find_caller(key.api_key_id) is None
    assert place.catalog.find_caller("unknown") is None


def test_a_key_tells_what_it_may_do_and_until_when(place: Place) -> None:
    key = replace(make_api_key(place.workspace_id), scopes=("records.write",), expires_at=at(60))
    place.stores.api_keys.create_api_key(key)
    place.stores.api_keys.limit_api_key(place.workspace_id, key.api_key_id, expires_at=at(30))

    caller = place.catalog.find_caller(key.api_key_id)

    assert caller == Caller(key.api_key_id, place.workspace_id, key.plan, scopes=("records.write",), expires_at=at(30))


def test_the_latest_use_of_a_key_is_noted(place: Place) -> None:
    key = make_api_key(place.workspace_id)
    place.stores.api_keys.create_api_key(key)
    place.stores.api_keys.create_api_key(make_api_key(place.workspace_id, 1))

    for seconds in (20, 30, 10):
        place.catalog.note_use(key.api_key_id, now=at(seconds))

    caller = place.catalog.find_caller(key.api_key_id)
    assert caller is not None
    assert caller.last_used_at == at(30)
    assert [found.last_used_at for found in place.stores.api_keys.list_api_keys(place.workspace_id)] == [None, at(30)]


def test_a_publishable_key_tells_its_origins_until_it_is_revoked(place: Place) -> None:
    origins = tuple(f"https://{name}.example.com" for name in (place.workspace_id.replace("_", "-"), "b"))
    key = replace(make_api_key(place.workspace_id), kind="publishable", origins=origins)
    place.stores.api_keys.create_api_key(key)
    place.stores.api_keys.create_api_key(make_api_key(place.workspace_id))

    before = set(place.catalog.list_origins())
    caller = place.catalog.find_caller(key.api_key_id)
    place.stores.api_keys.revoke_api_key(place.workspace_id, key.api_key_id, now=at(1))

    assert caller == Caller(key.api_key_id, place.workspace_id, key.plan, "publishable", origins)
    assert before >= set(origins)
    assert origins[0] not in place.catalog.list_origins()


def test_versions_serve_from_their_newest_snapshots(place: Place) -> None:
    place.serve(1, 2)
    for version, name in ((2, "a"), (2, "b"), (1, "c")):
        made = VersionSnapshot(place.workspace_id, place.model.model_id, version, f"s/{name}.json", at(0), at(1))
        place.stores.snapshots.append_snapshot(made)

    deployment = place.deployment()

    assert (deployment.version, deployment.previous) == (
        replace(make_version(place.model, 2), snapshot_key="s/b.json"),
        replace(make_version(place.model, 1), snapshot_key="s/c.json"),
    )
    assert place.catalog.find_version(place.workspace_id, place.model.model_id, 2) == deployment.version
    assert place.catalog.find_version(place.workspace_id, place.model.model_id, 3) == make_version(place.model, 3)


def test_a_model_without_a_version_in_production_serves_nothing(place: Place) -> None:
    place.stores.versions.append_alias_move(replace(make_move(place.model, 1), alias="staging"))

    assert place.deployment() == Deployment(place.model, None, None, None, None)


@pytest.mark.parametrize(
    ("served", "current", "previous"),
    [((1,), 1, None), ((1, 2), 2, 1), ((1, 3, 2), 2, 1), ((1, 2, 3, 2), 2, 1), ((2, 1), 1, None), ((1, 2, 2), 2, 1), ((2, 1, 3), 3, 1)],
)
def test_the_newest_move_serves_and_the_last_lower_version_stands_by(
    place: Place, served: tuple[int, ...], current: int, previous: int | None
) -> None:
    place.serve(*served)

    found = place.deployment()

    assert found.move == make_move(place.model, current)
    assert found.version == make_version(place.model, current)
    assert found.previous == (make_version(place.model, previous) if previous else None)


def test_the_running_experiment_and_the_datasets_are_there_by_name(place: Place) -> None:
    dataset = make_dataset(place.workspace_id)
    place.stores.datasets.create_dataset(dataset)
    draft = make_experiment(place.workspace_id, model_id=place.model.model_id)
    place.stores.experiments.create_experiment(draft)
    before = place.deployment().experiment
    running = place.stores.experiments.move_state(draft, state="running", now=at(1))

    catalog = place.catalog.load_catalog(place.workspace_id)

    assert before is None
    assert catalog.deployments[place.model.name].experiment == running
    assert catalog.datasets == {"orders": dataset}
    assert place.catalog.load_catalog(f"{place.workspace_id}x").deployments == {}


def test_the_version_of_the_control_is_there_while_the_experiment_runs(place: Place) -> None:
    place.serve(1, 2, 3)
    draft = replace(make_experiment(place.workspace_id, model_id=place.model.model_id), control_version=1)
    place.stores.experiments.create_experiment(draft)
    before = place.deployment().control
    running = place.stores.experiments.move_state(draft, state="running", now=at(1))
    during = place.deployment()
    place.stores.experiments.move_state(running, state="stopped_by_user", now=at(2))

    assert (before, place.deployment().control) == (None, None)
    assert (during.control, during.previous) == (make_version(place.model, 1), make_version(place.model, 2))


def test_changes_of_a_running_experiments_weights_are_there_in_their_order(place: Place) -> None:
    draft = make_experiment(place.workspace_id, model_id=place.model.model_id)
    place.stores.experiments.create_experiment(draft)
    running = place.stores.experiments.move_state(draft, state="running", now=at(1))
    start = ExperimentEvent(place.workspace_id, draft.experiment_id, 1, "started", at(1), "usr_1", "")
    for number, share in ((1, None), (3, 0.2), (2, 0.5)):
        kind: EventKind = "reweighted" if share else "started"
        place.stores.experiment_events.append_event(replace(start, number=number, kind=kind, treatment_share=share))
    during = place.deployment()
    place.stores.experiments.move_state(running, state="stopped_by_user", now=at(2))

    assert during.weights == ((0.5,), (0.2,))
    assert during.allocation is not None
    assert (during.allocation.version, during.allocation.arms[0].weight) == (3, 0.2)
    assert place.deployment().weights == ()


def test_the_versions_and_weights_of_arms_are_there_while_the_experiment_runs(place: Place) -> None:
    place.serve(3)
    draft = make_experiment(place.workspace_id, model_id=place.model.model_id)
    arms = (TreatmentArm("old", 0.3, 1), TreatmentArm("now", 0.2), TreatmentArm("other", 0.1, 2))
    draft = replace(draft, plan=replace(draft.plan, arms=arms))
    place.stores.experiments.create_experiment(draft)
    running = place.stores.experiments.move_state(draft, state="running", now=at(1))
    change = ExperimentEvent(place.workspace_id, draft.experiment_id, 1, "reweighted", at(1), "usr_1", "", arm_weights=(0.1, 0.2, 0.3))
    place.stores.experiment_events.append_event(change)
    during = place.deployment()
    place.stores.experiments.move_state(running, state="stopped_by_user", now=at(2))

    assert during.arms == {"old": make_version(place.model, 1), "other": make_version(place.model, 2)}
    assert {name: version and version.version for name, version in during.arm_versions.items()} == {"old": 1, "now": 3, "other": 2}
    assert during.weights == ((0.1, 0.2, 0.3),)
    assert during.allocation is not None
    assert [arm.weight for arm in during.allocation.arms] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert place.deployment().arms == {}


def test_workspaces_with_a_model_in_production_are_listed_newest_first(place: Place) -> None:
    place.serve(1)
    other = make_model(f"{place.workspace_id}x")
    place.stores.models.create_model(other)
    place.stores.versions.create_version(make_version(other, 1))
    place.stores.versions.append_alias_move(make_move(other, 1))
    idle = make_model(f"{place.workspace_id}y")
    place.stores.versions.append_alias_move(replace(make_move(idle, 1), alias="staging"))

    first = place.catalog.list_serving_workspaces(limit=2)
    place.serve(2)

    assert list(first) == [other.workspace_id, place.workspace_id]
    assert list(place.catalog.list_serving_workspaces(limit=1)) == [place.workspace_id]
    assert idle.workspace_id not in place.catalog.list_serving_workspaces(limit=1000)


def test_a_version_is_found_by_number_in_its_workspace_only(place: Place) -> None:
    found = place.catalog.find_version(place.workspace_id, place.model.model_id, 3)

    assert found == make_version(place.model, 3)
    assert place.catalog.find_version(place.workspace_id, place.model.model_id, 9) is None
    assert place.catalog.find_version(f"{place.workspace_id}x", place.model.model_id, 3) is None
