"""The heartbeat of a job that reports nothing for long."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from presage.adapters.memory.job_store import MemoryJobStore
from presage.errors import ConflictError, JobCancelledError, NotFoundError, UnavailableError
from presage.jobs.lease import JobLease
from presage.jobs.model import Job
from tests.fixtures.metadata_rows import make_job


class FaultyStore(MemoryJobStore):
    is_down = False
    is_gone = False
    refusals = 0

    def update_progress(self, job: Job, *, progress: float, message: str, checkpoint: Mapping[str, object], lease_until: datetime) -> Job:
        if self.is_down:
            raise UnavailableError("no database")
        if self.is_gone:
            self.refusals += 1
            raise NotFoundError("no job")
        return super().update_progress(job, progress=progress, message=message, checkpoint=checkpoint, lease_until=lease_until)


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def lease(store: FaultyStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobLease]:
    monkeypatch.setattr("presage.jobs.lease.HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr("presage.jobs.lease.LEASE_SECONDS", 0.2)
    created = make_job("ws_1")
    store.create_job(created)
    job = store.claim_job("ws_1", created.job_id, owner="w1", now=now(), lease_seconds=0.2)
    assert job is not None
    with JobLease(job, store=store, clock=now, stopping=Event()) as lease:
        yield lease


def wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def raises(lease: JobLease, error: type[Exception]) -> bool:
    try:
        lease(0.5, "half")
    except error:
        return True
    return False


def test_the_lease_outlives_its_length_while_the_worker_lives(store: FaultyStore, lease: JobLease) -> None:
    started = now()

    wait(lambda: now() > started + timedelta(seconds=0.5))

    assert store.claim_job("ws_1", lease.job.job_id, owner="w2", now=now(), lease_seconds=1) is None
    lease(0.5, "half")
    assert store.get_job("ws_1", lease.job.job_id).progress == 0.5


def test_a_heartbeat_keeps_the_progress_and_the_checkpoint(store: FaultyStore, lease: JobLease) -> None:
    lease(0.25, "a quarter", {"step": 1})
    before = store.get_job("ws_1", lease.job.job_id)

    wait(lambda: store.get_job("ws_1", lease.job.job_id).lease_until != before.lease_until)

    after = store.get_job("ws_1", lease.job.job_id)
    assert (after.progress, after.message, after.checkpoint) == (0.25, "a quarter", {"step": 1})


def test_a_cancellation_is_noticed_between_two_stored_reports(store: FaultyStore, lease: JobLease) -> None:
    lease(0.1, "on")

    store.request_cancel("ws_1", lease.job.job_id, now=now())

    wait(lambda: raises(lease, JobCancelledError))


def test_a_lease_that_another_worker_took_stops_the_work(store: FaultyStore, lease: JobLease) -> None:
    lease(0.1, "on")
    store.claim_job("ws_1", lease.job.job_id, owner="w2", now=now() + timedelta(hours=1), lease_seconds=60)

    wait(lambda: raises(lease, ConflictError))


def test_a_database_that_stays_silent_beyond_the_lease_stops_the_work(store: FaultyStore, lease: JobLease) -> None:
    lease(0.1, "on")
    store.is_down = True

    wait(lambda: raises(lease, UnavailableError))
    store.is_down = False

    assert lease.job.lease_until is not None
    assert lease.job.lease_until <= now()


def test_a_released_lease_is_free_at_once(store: FaultyStore, lease: JobLease) -> None:
    lease.release()

    assert store.claim_job("ws_1", lease.job.job_id, owner="w2", now=now(), lease_seconds=1) is not None


def test_a_job_whose_row_is_gone_stops_its_work(store: FaultyStore, lease: JobLease) -> None:
    store.is_gone = True

    wait(lambda: store.refusals > 0)
    store.is_gone = False

    assert raises(lease, NotFoundError)
