"""`JobStore` and `JobOutbox`: one suite over memory and MariaDB."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.sql.job_outbox import SqlJobOutbox
from presage.adapters.sql.job_store import SqlJobStore
from presage.errors import AlreadyExistsError, ConflictError, JobCancelledError, NotFoundError
from presage.jobs.model import Job, JobKind, JobState
from presage.jobs.ports import JobOutbox, JobStore
from tests.fixtures.metadata_rows import at, make_job


@dataclass
class Jobs:
    store: JobStore
    outbox: JobOutbox
    workspace_id: str

    def create(self, seconds: float = 0) -> Job:
        job = make_job(self.workspace_id, seconds)
        self.store.create_job(job)
        return job

    def claim(self, job: Job, owner: str, seconds: float) -> Job | None:
        return self.store.claim_job(job.workspace_id, job.job_id, owner=owner, now=at(seconds), lease_seconds=20)

    def read(self, job: Job) -> Job:
        return self.store.get_job(job.workspace_id, job.job_id)


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def jobs(request: pytest.FixtureRequest, workspace_id: str) -> Jobs:
    if request.param == "memory":
        memory = MemoryJobStore()
        return Jobs(memory, memory, workspace_id)
    engine: Engine = request.getfixturevalue("engine")
    return Jobs(SqlJobStore(engine), SqlJobOutbox(engine), workspace_id)


def require(job: Job | None) -> Job:
    assert job is not None
    return job


def test_a_job_is_read_back_as_it_was_and_created_once(jobs: Jobs) -> None:
    job = jobs.create()

    assert jobs.read(job) == job
    with pytest.raises(AlreadyExistsError):
        jobs.store.create_job(job)
    with pytest.raises(NotFoundError):
        jobs.store.get_job(f"{job.workspace_id}x", job.job_id)


def test_pages_are_newest_first(jobs: Jobs) -> None:
    created = [jobs.create(seconds) for seconds in range(5)]

    first = jobs.store.list_jobs(jobs.workspace_id, limit=3)
    second = jobs.store.list_jobs(jobs.workspace_id, before=first[-1].job_id, limit=3)

    assert [*first, *second] == created[::-1]
    assert jobs.store.list_jobs(f"{jobs.workspace_id}x") == []


def test_pages_are_of_the_states_and_kinds_that_are_asked_for(jobs: Jobs) -> None:
    queued, running, failed, cancelled = (jobs.create(seconds) for seconds in range(4))
    import_job = replace(make_job(jobs.workspace_id, 4), kind="import_file")
    jobs.store.create_job(import_job)
    jobs.claim(running, "w", 5)
    jobs.store.finish_job(require(jobs.claim(failed, "w", 5)), state="failed", message="", result={}, now=at(6))
    jobs.outbox.request_cancel(jobs.workspace_id, cancelled.job_id, now=at(6))

    def find(states: Sequence[JobState] = (), kinds: Sequence[JobKind] = (), before: str = "", limit: int = 50) -> list[str]:
        found = jobs.store.list_jobs(jobs.workspace_id, states=states, kinds=kinds, before=before, limit=limit)
        return [job.job_id for job in found]

    assert find(["failed", "cancelled"]) == [cancelled.job_id, failed.job_id]
    assert find(["queued"]) == [import_job.job_id, queued.job_id]
    assert find(["queued"], ["import_file", "build_model"]) == [import_job.job_id]
    assert find(kinds=["analyse_experiment"], limit=2) == [cancelled.job_id, failed.job_id]
    assert find(kinds=["analyse_experiment"], before=failed.job_id) == [running.job_id, queued.job_id]
    assert find(["succeeded"]) == []


def test_of_many_retries_at_once_one_is_a_job(jobs: Jobs) -> None:
    old = jobs.create()
    with pytest.raises(ConflictError):
        jobs.store.create_job(replace(make_job(jobs.workspace_id), retry_of=old.job_id))
    jobs.outbox.request_cancel(jobs.workspace_id, old.job_id, now=at(1))

    def retry(number: int) -> str | None:
        job = replace(make_job(jobs.workspace_id, number), retry_of=old.job_id)
        try:
            jobs.store.create_job(job)
        except ConflictError:
            return None
        return job.job_id

    with ThreadPoolExecutor(8) as pool:
        made = [job_id for job_id in pool.map(retry, range(8)) if job_id]

    assert len(made) == 1
    assert jobs.read(old).retried_as == made[0]
    assert jobs.store.get_job(jobs.workspace_id, made[0]).retry_of == old.job_id
    assert {job.job_id for job in jobs.store.list_jobs(jobs.workspace_id)} == {old.job_id, made[0]}


def test_a_retry_whose_id_is_taken_leaves_the_job_before_as_it_was(jobs: Jobs) -> None:
    old, taken = jobs.create(), jobs.create(1)
    jobs.outbox.request_cancel(jobs.workspace_id, old.job_id, now=at(1))

    with pytest.raises(AlreadyExistsError):
        jobs.store.create_job(replace(taken, retry_of=old.job_id))

    assert jobs.read(old).retried_as is None
    assert jobs.read(taken) == taken
    foreign = replace(make_job(f"{jobs.workspace_id}x"), retry_of=old.job_id)
    with pytest.raises(ConflictError):
        jobs.store.create_job(foreign)


def test_of_many_claims_at_once_one_wins(jobs: Jobs) -> None:
    job = jobs.create()

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda number: jobs.claim(job, f"w{number}", 1), range(8)))

    winners = [winner for winner in claimed if winner is not None]
    assert len(winners) == 1
    assert jobs.read(job) == winners[0]
    assert (winners[0].state, winners[0].attempts, winners[0].lease_until) == ("running", 1, at(21))


def test_a_running_job_is_claimed_when_its_lease_has_ended(jobs: Jobs) -> None:
    job = jobs.create()
    first = require(jobs.claim(job, "w1", 0))

    assert jobs.claim(job, "w2", 19.9) is None
    second = require(jobs.claim(job, "w2", 20))

    assert (second.lease_owner, second.attempts) == ("w2", 2)
    with pytest.raises(ConflictError):
        jobs.store.update_progress(first, progress=0.5, message="late", checkpoint={}, lease_until=at(60))
    with pytest.raises(ConflictError):
        jobs.store.finish_job(first, state="succeeded", message="late", result={}, now=at(30))
    assert jobs.read(job) == second


def test_progress_extends_the_lease_and_keeps_the_checkpoint_for_a_retry(jobs: Jobs) -> None:
    job = require(jobs.claim(jobs.create(), "w1", 0))

    jobs.store.update_progress(job, progress=0.25, message="reading", checkpoint={"step": "read", "parts": [1, 2]}, lease_until=at(50))

    assert jobs.claim(job, "w2", 49) is None
    retried = require(jobs.claim(job, "w2", 50))
    assert (retried.progress, retried.message, retried.checkpoint) == (0.25, "reading", {"step": "read", "parts": [1, 2]})


def test_a_finished_job_cannot_be_claimed(jobs: Jobs) -> None:
    job = require(jobs.claim(jobs.create(), "w1", 0))

    jobs.store.finish_job(job, state="succeeded", message="3 rows", result={"rows": 3}, now=at(5))

    assert jobs.claim(job, "w2", 100) is None
    ended = jobs.read(job)
    assert (ended.state, ended.message, ended.result, ended.progress, ended.finished_at) == ("succeeded", "3 rows", {"rows": 3}, 1.0, at(5))
    assert (ended.lease_owner, ended.lease_until) == (None, None)


def test_cancelling_a_queued_job_ends_it_at_once(jobs: Jobs) -> None:
    job = jobs.create()

    jobs.outbox.request_cancel(job.workspace_id, job.job_id, now=at(1))

    assert (jobs.read(job).state, jobs.read(job).finished_at) == ("cancelled", at(1))
    assert jobs.claim(job, "w1", 2) is None
    assert job.job_id not in {waiting.job_id for waiting in jobs.outbox.list_unpublished(limit=1000)}


def test_cancelling_a_running_job_reaches_it_at_its_next_progress(jobs: Jobs) -> None:
    job = require(jobs.claim(jobs.create(), "w1", 0))

    jobs.outbox.request_cancel(job.workspace_id, job.job_id, now=at(1))

    with pytest.raises(JobCancelledError):
        jobs.store.update_progress(job, progress=0.5, message="on", checkpoint={}, lease_until=at(30))
    jobs.store.finish_job(job, state="cancelled", message="Cancelled", result={}, now=at(2))
    jobs.outbox.request_cancel(job.workspace_id, job.job_id, now=at(3))
    assert (jobs.read(job).state, jobs.read(job).finished_at) == ("cancelled", at(2))


def test_another_workspace_can_neither_claim_nor_cancel(jobs: Jobs) -> None:
    job = jobs.create()
    foreign = replace(job, workspace_id=f"{job.workspace_id}x")

    assert jobs.claim(foreign, "w1", 1) is None
    with pytest.raises(NotFoundError):
        jobs.outbox.request_cancel(foreign.workspace_id, foreign.job_id, now=at(1))
    assert jobs.read(job) == job


def test_the_outbox_holds_what_is_not_published_oldest_first(jobs: Jobs) -> None:
    second, first, published = jobs.create(2), jobs.create(1), jobs.create(0)

    jobs.outbox.mark_published(published, now=at(3))

    mine = [job for job in jobs.outbox.list_unpublished(limit=1000) if job.workspace_id == jobs.workspace_id]
    assert mine == [first, second]
    assert jobs.read(published).published_at == at(3)


def test_running_jobs_whose_lease_and_message_are_old_are_orphaned(jobs: Jobs) -> None:
    orphan, lively, republished, unnoted = jobs.create(), jobs.create(), jobs.create(), jobs.create()
    for job, seconds in ((orphan, 0), (lively, 80), (republished, 0)):
        jobs.outbox.mark_published(job, now=at(0))
        require(jobs.claim(job, "w1", seconds))
    jobs.outbox.mark_published(republished, now=at(90))
    require(jobs.claim(unnoted, "w1", 0))

    found = {job.job_id for job in jobs.outbox.list_orphaned(lease_ended_before=at(60), queued_before=at(0), limit=1000)}

    assert {orphan.job_id, unnoted.job_id} <= found
    assert not {lively.job_id, republished.job_id} & found


def test_queued_jobs_whose_message_is_old_are_orphaned(jobs: Jobs) -> None:
    overdue, waiting, unpublished, begun = jobs.create(), jobs.create(), jobs.create(), jobs.create()
    for job, seconds in ((overdue, 0), (waiting, 500), (begun, 0)):
        jobs.outbox.mark_published(job, now=at(seconds))
    require(jobs.claim(begun, "w1", 590))

    found = {job.job_id for job in jobs.outbox.list_orphaned(lease_ended_before=at(600), queued_before=at(400), limit=1000)}

    assert overdue.job_id in found
    assert not {waiting.job_id, unpublished.job_id, begun.job_id} & found
