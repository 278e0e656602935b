"""The hourly analyses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from presage.adapters.memory.experiment_store import MemoryExperimentStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.experiments.model import Assignment, Experiment
from presage.jobs.use_cases import SYSTEM, JobPorts
from services.worker.tasks import enqueue_analyses
from tests.fixtures.metadata_rows import at, make_experiment

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
