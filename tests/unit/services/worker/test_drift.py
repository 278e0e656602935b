"""The nightly checks, and what users are told of one."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import msgspec
import numpy as np
import pytest

from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.adapters.memory.prediction_log import MemoryPredictionLog
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.memory.version_report_store import MemoryVersionReportStore
from presage.drift.use_cases import DriftPorts
from presage.jobs.arguments import CheckDrift
from presage.jobs.execution import Execution, run_job
from presage.jobs.use_cases import SYSTEM, JobPorts, build_job
from presage.training.reference import FORMAT, Reference, build_column_reference
from services.worker.drift import enqueue_drift_checks, run_drift_check
from tests.fixtures.logged import entry
from tests.fixtures.metadata_rows import NOW, make_model, make_move, make_version

DAY = timedelta(days=1)


class Place:
    def __init__(self) -> None:
        self.models, self.versions = MemoryModelRegistry(), MemoryVersionRegistry()
        self.jobs, self.notifications = MemoryJobStore(), MemoryNotificationStore()
        self.ports = DriftPorts(MemoryPredictionLog(), MemoryTrainingFiles(), MemoryVersionReportStore())

    def serve(self, workspace_id: str) -> str:
        """Put version 1 of a model into production and return the model's id."""
        model = make_model(workspace_id)
        self.models.create_model(model)
        self.versions.create_version(make_version(model, 1))
        self.versions.append_alias_move(make_move(model, 1))
        return model.model_id

    def enqueue(self, days: int) -> int:
        return enqueue_drift_checks(versions=self.versions, jobs=JobPorts(self.jobs, self.jobs, MemoryJobQueue()), now=NOW + days * DAY)

    def play(self, model_id: str, values: list[float]) -> None:
        reference = Reference(FORMAT, "f" * 64, (build_column_reference("orders__spent", np.arange(4_000) % 100 / 1.0),))
        self.ports.files.put_artifact("m/reference.json", msgspec.json.encode(reference))
        for number, value in enumerate(values):
            changes = {"model_id": model_id, "model_version": 1, "entity_id": f"c{number}", "created_at": NOW}
            features, result = {"orders__spent": value}, {"answered_by": "model", "score": 0.5}
            self.ports.log.put_predictions([entry(number, **changes, features=features, result=result)])

    def run(self, model_id: str, *, created_by: str) -> list[str]:
        """Check the day of `NOW` as the worker does, and return what users are told."""
        job = build_job(CheckDrift(model_id, 1, f"{NOW:%Y-%m-%d}"), workspace_id="ws_1", created_by=created_by, now=NOW + DAY)
        self.jobs.create_job(job)
        handlers = {
            job.kind: lambda job, progress: run_drift_check(job, progress, models=self.models, versions=self.versions, ports=self.ports)
        }
        execution = Execution(self.jobs, self.notifications, handlers, lambda: NOW + DAY, Event())
        assert run_job("ws_1", job.job_id, execution=execution) == "done"
        assert self.jobs.get_job("ws_1", job.job_id).state == "succeeded"
        return [told.body for told in self.notifications.list_notifications("ws_1")]


@pytest.fixture
def place() -> Place:
    return Place()


def test_each_version_in_production_is_checked_once_a_day(place: Place) -> None:
    served = {place.serve("ws_1"), place.serve("ws_2")}

    assert [place.enqueue(1), place.enqueue(1), place.enqueue(2)] == [2, 0, 2]
    (first, second) = place.jobs.list_jobs("ws_1")
    assert {first.arguments["model_id"], place.jobs.list_jobs("ws_2")[0].arguments["model_id"]} == served
    assert {first.arguments["day"], second.arguments["day"]} == {f"{NOW:%Y-%m-%d}", f"{NOW + DAY:%Y-%m-%d}"}
    assert {first.created_by, second.created_by} == {SYSTEM}


def test_a_version_built_today_and_a_model_that_gives_its_default_are_left_alone(place: Place) -> None:
    place.serve("ws_1")
    assert place.enqueue(0) == 0

    model = place.models.get_model("ws_1", place.versions.list_in_production()[0].model_id)
    place.versions.append_alias_move(replace(make_move(model, 1, seconds=5), traffic="default"))
    assert place.enqueue(1) == 0


def test_a_drift_is_told_to_the_workspace_even_when_nobody_asked(place: Place) -> None:
    model_id = place.serve("ws_1")
    place.play(model_id, [float(99)] * 1_000)

    (told,) = place.run(model_id, created_by=SYSTEM)

    assert told.startswith("Drift in version 1 of shops on 2026-03-01 (1000 entities): orders__spent is 0.89 away from its training set")


def test_a_night_without_drift_is_told_only_to_who_asked(place: Place) -> None:
    model_id = place.serve("ws_1")
    place.play(model_id, [float(2 * number) for number in range(50)])

    assert place.run(model_id, created_by=SYSTEM) == []
    assert place.run(model_id, created_by="usr_1") == [
        "No drift seen in version 1 of shops on 2026-03-01 (50 entities); 1 of 1 distributions have too few entities to tell"
    ]
