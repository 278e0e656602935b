"""The hourly analyses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from presage.adapters.memory.experiment_store import MemoryExperimentStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.errors import UnavailableError
from presage.experiments.model import Assignment, Experiment
from presage.jobs.use_cases import SYSTEM, JobPorts
from services.worker.submissions import MOST_FAILURES
from services.worker.tasks import MOST_A_RUN, PAGE, RUN_SECONDS, enqueue_analyses, enqueue_refreshes
from tests.fixtures.metadata_rows import at, make_experiment, make_model, make_move, make_version

HOUR = 3600.0


@dataclass
class Place:
    experiments: MemoryExperimentStore = field(default_factory=MemoryExperimentStore)
    warehouse: MemoryWarehouse = field(default_factory=lambda: MemoryWarehouse(MemoryFeatureSetStore()))
    store: MemoryJobStore = field(default_factory=MemoryJobStore)

    def start(self, workspace_id: str, *, exposed_at: datetime | None) -> Experiment:
        draft = make_experiment(workspace_id)
        self.experiments.create_experiment(draft)
        running = self.experiments.move_state(draft, state="running", now=at(0))
        if exposed_at is not None:
            exposure = Assignment(workspace_id, draft.experiment_id, "p1", "u1", "control", exposed_at, 1, ("a",))
            self.warehouse.load_assignments([exposure])
        return running

    def enqueue(self, seconds: float) -> int:
        jobs = JobPorts(self.store, self.store, MemoryJobQueue())
        return enqueue_analyses(experiments=self.experiments, warehouse=self.warehouse, jobs=jobs, now=at(seconds))

    def arguments(self, workspace_id: str) -> list[Mapping[str, object]]:
        return [job.arguments for job in self.store.list_jobs(workspace_id) if job.created_by == SYSTEM]


def test_each_live_experiment_is_analysed_once_an_hour() -> None:
    place = Place()
    first, second = (place.start(workspace_id, exposed_at=at(60)) for workspace_id in ("ws_1", "ws_2"))

    counts = [place.enqueue(HOUR), place.enqueue(HOUR + 1), place.enqueue(2 * HOUR)]

    assert counts == [2, 0, 2]
    assert place.arguments("ws_1") == [{"experiment_id": first.experiment_id, "as_of": None}] * 2
    assert place.arguments("ws_2") == [{"experiment_id": second.experiment_id, "as_of": None}] * 2


def test_an_experiment_without_exposures_or_that_replays_history_is_left_alone() -> None:
    place = Place()
    place.start("ws_1", exposed_at=None)
    place.start("ws_2", exposed_at=at(-1000 * HOUR))

    assert place.enqueue(HOUR) == 0
    assert place.arguments("ws_1") == place.arguments("ws_2") == []


@dataclass
class FailingWarehouse(MemoryWarehouse):
    """Answers for all experiments but some."""

    broken: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(MemoryFeatureSetStore())

    def get_first_exposure(self, workspace_id: str, experiment_id: str) -> datetime | None:
        self.asked.append(experiment_id)
        if experiment_id in self.broken:
            raise UnavailableError("the statement failed")
        return super().get_first_exposure(workspace_id, experiment_id)


def test_a_broken_experiment_does_not_keep_the_others_from_their_looks() -> None:
    warehouse = FailingWarehouse()
    place = Place(warehouse=warehouse)
    running = [place.start(f"ws_{number}", exposed_at=at(60)) for number in range(5)]
    broken = sorted(running, key=lambda experiment: experiment.experiment_id)[1]
    warehouse.broken = frozenset({broken.experiment_id})

    assert place.enqueue(HOUR) == 4
    assert place.arguments(broken.workspace_id) == []

    warehouse.broken = frozenset()
    assert place.enqueue(HOUR + RUN_SECONDS) == 1


def test_a_warehouse_that_is_down_ends_the_call() -> None:
    warehouse = FailingWarehouse()
    place = Place(warehouse=warehouse)
    warehouse.broken = frozenset(place.start(f"ws_{number}", exposed_at=at(60)).experiment_id for number in range(5))

    with pytest.raises(UnavailableError):
        place.enqueue(HOUR)
    assert len(warehouse.asked) == MOST_FAILURES


def test_a_call_looks_after_a_bounded_number_and_the_next_ones_after_the_rest() -> None:
    warehouse = FailingWarehouse()
    place = Place(warehouse=warehouse)
    running = [place.start(f"ws_{number}", exposed_at=at(60)) for number in range(2 * MOST_A_RUN + 50)]

    counts = [place.enqueue(24 * HOUR + number * RUN_SECONDS) for number in range(3)]

    assert counts == [MOST_A_RUN, MOST_A_RUN, 50]
    assert len(warehouse.asked) == len(running)


def test_values_of_each_version_in_production_are_renewed_once_a_day() -> None:
    versions, store = MemoryVersionRegistry(), MemoryJobStore()
    jobs = JobPorts(store, store, MemoryJobQueue())
    models = [make_model(f"ws_{number}") for number in range(PAGE + 3)]
    for model in models:
        versions.create_version(make_version(model, 1))
        versions.append_alias_move(make_move(model, 1))

    counts = [
        enqueue_refreshes(versions=versions, experiments=MemoryExperimentStore(), jobs=jobs, now=at(hours * HOUR)) for hours in (0, 1, 24)
    ]

    assert counts == [len(models), 0, len(models)]
    (first, _) = sorted(store.list_jobs("ws_0"), key=lambda job: job.created_at)
    assert (first.kind, first.created_by, first.arguments) == (
        "refresh_snapshot",
        SYSTEM,
        {"model_id": models[0].model_id, "version": None},
    )


def test_a_model_whose_versions_are_being_compared_waits_for_the_end() -> None:
    versions, store, experiments = MemoryVersionRegistry(), MemoryJobStore(), MemoryExperimentStore()
    models = [make_model("ws_1", name) for name in ("compared", "other")]
    for model in models:
        versions.create_version(make_version(model, 1))
        versions.append_alias_move(make_move(model, 1))
        draft = make_experiment("ws_1", model.name, model.model_id)
        draft = replace(draft, control_version=1 if model.name == "compared" else None)
        experiments.create_experiment(draft)
        experiments.move_state(draft, state="running", now=at(0))

    jobs = JobPorts(store, store, MemoryJobQueue())
    assert enqueue_refreshes(versions=versions, experiments=experiments, jobs=jobs, now=at(0)) == 1
    assert [job.arguments["model_id"] for job in store.list_jobs("ws_1")] == [models[1].model_id]
