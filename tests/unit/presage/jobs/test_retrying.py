"""A job that failed or was cancelled is submitted again, once, as a new job that does the same."""

from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest

from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, UnavailableError
from presage.jobs.arguments import (
    AnalyseExperiment,
    BuildModel,
    CheckDrift,
    EstimateOffPolicy,
    ImportAmplitude,
    ImportFile,
    ImportWarehouse,
    PredictBatch,
    RefreshSnapshot,
)
from presage.jobs.execution import Execution, JobResult, run_job
from presage.jobs.model import Job, JobState
from presage.jobs.retrying import find_last_retry, retry_job
from presage.jobs.use_cases import KINDS, PERMISSIONS, SYSTEM, Arguments, JobPorts, build_job
from presage.progress import Progress
from presage.tenancy.permissions import GRANTS, ROLES
from tests.fixtures.metadata_rows import NOW, at, make_user

BUILD = BuildModel("mdl_1", 3, NOW)
EVERY_KIND: tuple[Arguments, ...] = (
    ImportFile("ds_1", "k", "csv"),
    ImportAmplitude("ds_1", "c", NOW),
    ImportWarehouse("ds_1", "c", "mysql", "a", "b", "c", "d"),
    BUILD,
    AnalyseExperiment("exp_1"),
    EstimateOffPolicy("mdl_1", 1, "m", "d", "i", 24, 14, 0.05),
    CheckDrift("mdl_1", 1, "2026-03-01"),
    PredictBatch("mdl_1"),
    RefreshSnapshot("mdl_1"),
)


@dataclass
class Place:
    store: MemoryJobStore = field(default_factory=MemoryJobStore)
    queue: MemoryJobQueue = field(default_factory=MemoryJobQueue)

    @property
    def ports(self) -> JobPorts:
        return JobPorts(self.store, self.store, self.queue)

    def end(
        self, arguments: Arguments = BUILD, *, state: JobState = "failed", code: str | None = "unavailable", created_by: str = SYSTEM
    ) -> Job:
        """Return a job that left a checkpoint and ended."""
        job = build_job(arguments, workspace_id="ws_1", created_by=created_by, now=NOW)
        self.store.create_job(job)
        claimed = self.store.claim_job("ws_1", job.job_id, owner="w", now=NOW, lease_seconds=20)
        assert claimed is not None
        claimed = self.store.update_progress(claimed, progress=0.5, message="half", checkpoint={"pins": {"orders": 1}}, lease_until=at(60))
        self.store.finish_job(claimed, state=state, message="gone", result={"code": code, "noteworthy": True}, now=at(5))
        return self.store.get_job("ws_1", job.job_id)

    def retry(self, job: Job, seconds: float = 10, **user: Any) -> Job:  # noqa: ANN401 - of a user
        return retry_job(job.job_id, by=make_user("ws_1", **user), now=at(seconds), ports=self.ports)


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_retry_is_a_new_job_of_the_same_arguments_and_both_know_each_other(place: Place, state: JobState) -> None:
    old = place.end(state=state)

    new = place.retry(old, user_id="usr_9")

    assert (new.kind, new.arguments) == (old.kind, old.arguments)
    assert (new.state, new.attempts, new.progress, new.result, new.cancel_requested) == ("queued", 0, 0.0, {}, False)
    assert (new.created_by, new.created_at, new.finished_at) == ("usr_9", at(10), None)
    assert new.retry_of == old.job_id
    assert place.store.get_job("ws_1", old.job_id) == replace(old, retried_as=new.job_id)
    assert [job.job_id for job in place.queue.published] == [new.job_id]


def test_a_job_is_retried_once_and_then_its_retry(place: Place) -> None:
    old = place.end()
    new = place.retry(old)

    with pytest.raises(ConflictError, match=new.job_id):
        place.retry(old)
    with pytest.raises(ConflictError, match="queued"):
        place.retry(new)
    claimed = place.store.claim_job("ws_1", new.job_id, owner="w", now=at(11), lease_seconds=20)
    assert claimed is not None
    place.store.finish_job(claimed, state="failed", message="again", result={}, now=at(12))
    last = place.retry(new)

    assert last.retry_of == new.job_id
    assert find_last_retry(place.store.get_job("ws_1", old.job_id), place.store) == place.store.get_job("ws_1", last.job_id)
    assert len({job.job_id for job in place.queue.published}) == 2


@pytest.mark.parametrize("state", ["succeeded", "quarantined"])
def test_what_ended_well_or_waits_for_a_decision_is_not_retried(place: Place, state: JobState) -> None:
    with pytest.raises(ConflictError, match=state):
        place.retry(place.end(state=state))
    assert place.queue.published == []


def test_what_has_not_ended_is_not_retried(place: Place) -> None:
    job = build_job(BUILD, workspace_id="ws_1", created_by="usr_1", now=NOW)
    place.store.create_job(job)
    with pytest.raises(ConflictError, match="queued"):
        place.retry(job)
    place.store.claim_job("ws_1", job.job_id, owner="w", now=NOW, lease_seconds=20)
    with pytest.raises(ConflictError, match="running"):
        place.retry(job)


def test_another_workspaces_job_is_not_there(place: Place) -> None:
    with pytest.raises(NotFoundError):
        retry_job(place.end().job_id, by=make_user("ws_2"), now=NOW, ports=place.ports)


@pytest.mark.parametrize("arguments", EVERY_KIND, ids=lambda arguments: KINDS[type(arguments)])
def test_a_retry_needs_what_asking_for_the_job_needs(place: Place, arguments: Arguments) -> None:
    assert {type(each) for each in EVERY_KIND} == KINDS.keys()
    old = place.end(arguments)
    able = [role for role in ROLES if PERMISSIONS[type(arguments)] in GRANTS[role]]

    for role in set(ROLES) - set(able):
        with pytest.raises(ForbiddenError, match=PERMISSIONS[type(arguments)]):
            place.retry(old, role=role)
    assert place.retry(old, role=able[-1]).kind == old.kind


@pytest.mark.parametrize("arguments", EVERY_KIND, ids=lambda arguments: KINDS[type(arguments)])
def test_imports_and_builds_that_were_given_up_go_on_where_they_were(place: Place, arguments: Arguments) -> None:
    resumes = isinstance(arguments, ImportFile | ImportAmplitude | ImportWarehouse | BuildModel)

    assert place.retry(place.end(arguments)).checkpoint == ({"pins": {"orders": 1}} if resumes else {})


@pytest.mark.parametrize(("state", "code"), [("failed", "invalid_input"), ("failed", "internal"), ("cancelled", None)])
def test_what_was_refused_or_cancelled_begins_anew(place: Place, state: JobState, code: str | None) -> None:
    assert place.retry(place.end(state=state, code=code)).checkpoint == {}


@pytest.mark.parametrize(("error", "resumed"), [(UnavailableError("gone"), {"read": 7}), (InvalidInputError("bad"), {})])
def test_a_worker_does_the_retry_as_the_job_before(place: Place, error: Exception, resumed: dict[str, int]) -> None:
    seen, faults = list[Any](), [error] * 5

    def work(job: Job, progress: Progress) -> JobResult:
        seen.append((job.arguments, job.checkpoint))
        progress(0.5, "half", {"read": 7})
        if faults:
            raise faults.pop()
        return JobResult("done")

    told = MemoryNotificationStore()
    execution = Execution(place.store, told, {"build_model": work}, lambda: at(20), Event())
    old = build_job(BUILD, workspace_id="ws_1", created_by="usr_1", now=NOW)
    place.store.create_job(old)
    while place.store.get_job("ws_1", old.job_id).state != "failed":
        run_job("ws_1", old.job_id, execution=execution)
    faults.clear()

    new = place.retry(place.store.get_job("ws_1", old.job_id), user_id="usr_9")
    assert run_job("ws_1", new.job_id, execution=execution) == "done"

    assert place.store.get_job("ws_1", new.job_id).state == "succeeded"
    assert seen[-1] == (old.arguments, resumed)
    assert {each.notification_id for each in told.list_notifications("ws_1")} == {f"ntf_{old.job_id}", f"ntf_{new.job_id}"}
