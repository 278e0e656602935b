"""Which models are built anew by themselves."""

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.memory.retraining_policy_store import MemoryRetrainingPolicyStore
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.memory.version_report_store import MemoryVersionReportStore
from presage.drift.comparison import compare_column
from presage.drift.model import DriftReport
from presage.errors import NotFoundError
from presage.jobs.arguments import BuildModel
from presage.jobs.model import Job
from presage.jobs.use_cases import JobPorts
from presage.training.reference import ColumnReference
from presage.training.retraining import RetrainingPolicy
from services.worker.retraining import RetrainingPorts, enqueue_retrainings
from services.worker.submissions import MOST_FAILURES
from tests.fixtures.metadata_rows import NOW, make_model, make_move, make_version

DAY = timedelta(days=1)


class Place:
    def __init__(self) -> None:
        self.policies, self.models, self.versions = MemoryRetrainingPolicyStore(), MemoryModelRegistry(), MemoryVersionRegistry()
        self.reports, self.jobs = MemoryVersionReportStore(), MemoryJobStore()

    def serve(self, *, every_days: int | None = None, on_drift: bool = False) -> str:
        """Put version 1 of a model into production, built at `NOW`, with a policy, and return the model's id."""
        model = make_model("ws_1")
        self.models.create_model(model)
        self.models.reserve_version("ws_1", model.model_id)
        self.versions.create_version(make_version(model, 1))
        self.versions.append_alias_move(make_move(model, 1))
        self.policies.put_policy(RetrainingPolicy("ws_1", model.model_id, every_days, on_drift, "usr_1", NOW))
        return model.model_id

    def report(self, model_id: str, day: date, *, drifts: bool) -> None:
        column = compare_column(ColumnReference("orders__spent", (), (5_000, 0)), (0, 5_000) if drifts else (5_000, 0), alpha=0.01)
        found = DriftReport(1, f"{day}", model_id, 1, "f" * 64, day, NOW, 1, 1, complete=True, alpha=0.1, tolerance=0.1, columns=(column,))
        self.reports.create_report("ws_1", (model_id, 1), found.report_id, msgspec.json.encode(found))

    def enqueue(self, days: float) -> int:
        jobs = JobPorts(self.jobs, self.jobs, MemoryJobQueue())
        ports = RetrainingPorts(self.policies, self.models, self.versions, self.reports, jobs)
        return enqueue_retrainings(ports=ports, now=NOW + days * DAY)

    def built(self) -> list[Job]:
        return list(self.jobs.list_jobs("ws_1"))


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_model_is_built_when_its_last_build_is_old_enough_and_once_a_day(place: Place) -> None:
    model_id = place.serve(every_days=30)

    assert [place.enqueue(29.9), place.enqueue(30), place.enqueue(30.2), place.enqueue(31)] == [0, 1, 0, 1]
    (again, first) = place.built()
    arguments = msgspec.convert(first.arguments, BuildModel)
    assert arguments == BuildModel(model_id, 2, NOW + 30 * DAY, "production", "if_better")
    assert again.arguments["version"] != first.arguments["version"]
    assert first.created_by == "usr_1"


def test_drift_builds_at_once_but_not_every_night(place: Place) -> None:
    model_id = place.serve(on_drift=True)
    place.report(model_id, (NOW + 9 * DAY).date(), drifts=False)
    place.report(model_id, (NOW + 10 * DAY).date(), drifts=True)

    assert [place.enqueue(9), place.enqueue(10), place.enqueue(11)] == [0, 0, 1]


def test_drift_soon_after_a_build_waits(place: Place) -> None:
    model_id = place.serve(on_drift=True)
    for number in range(1, 9):
        place.report(model_id, (NOW + number * DAY).date(), drifts=True)

    assert [place.enqueue(days) for days in (2, 6, 7.1)] == [0, 0, 1]


def test_a_day_that_was_not_checked_yet_is_bridged_by_the_day_before(place: Place) -> None:
    model_id = place.serve(on_drift=True)
    place.report(model_id, (NOW + 10 * DAY).date(), drifts=True)

    assert [place.enqueue(12), place.enqueue(13)] == [1, 0]


def test_drift_is_nothing_to_a_policy_of_days(place: Place) -> None:
    model_id = place.serve(every_days=30)
    place.report(model_id, (NOW + 10 * DAY).date(), drifts=True)

    assert place.enqueue(11) == 0


def test_a_model_that_nothing_serves_is_left_alone(place: Place) -> None:
    model = make_model("ws_1")
    place.models.create_model(model)
    place.policies.put_policy(RetrainingPolicy("ws_1", model.model_id, 1, True, "usr_1", NOW))

    assert place.enqueue(50) == 0


def test_broken_models_do_not_keep_the_others_from_being_built(place: Place) -> None:
    place.serve(every_days=30)
    for number in range(MOST_FAILURES - 1):
        gone = f"mdl_0{number}"
        place.policies.put_policy(RetrainingPolicy("ws_1", gone, 1, False, "usr_1", NOW))
        lost = replace(make_model("ws_1"), model_id=gone)
        place.versions.create_version(make_version(lost, 1))
        place.versions.append_alias_move(make_move(lost, 1))

    assert place.enqueue(30) == 1

    for number in range(MOST_FAILURES):
        lost = replace(make_model("ws_1"), model_id=f"mdl_0x{number}")
        place.policies.put_policy(RetrainingPolicy("ws_1", lost.model_id, 1, False, "usr_1", NOW))
        place.versions.create_version(make_version(lost, 1))
        place.versions.append_alias_move(make_move(lost, 1))
    with pytest.raises(NotFoundError):
        place.enqueue(31)
