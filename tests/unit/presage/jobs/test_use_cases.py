"""Submitting, publishing and cancelling jobs."""

import pytest

from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.errors import AlreadyExistsError, UnavailableError
from presage.jobs.use_cases import JobPorts, cancel_job, publish_pending, submit_job
from tests.fixtures.metadata_rows import at, make_job, make_user


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def queue() -> MemoryJobQueue:
    return MemoryJobQueue()


@pytest.fixture
def ports(store: MemoryJobStore, queue: MemoryJobQueue) -> JobPorts:
    return JobPorts(store, store, queue)


def test_a_submitted_job_is_written_and_published(ports: JobPorts, store: MemoryJobStore, queue: MemoryJobQueue) -> None:
    job = submit_job(make_job("ws_1"), ports=ports, now=at(1))

    assert [message.job_id for message in queue.published] == [job.job_id]
    assert store.get_job("ws_1", job.job_id).published_at == at(1)


def test_a_job_outlives_a_queue_that_is_down(ports: JobPorts, store: MemoryJobStore, queue: MemoryJobQueue) -> None:
    queue.is_down = True
    job = submit_job(make_job("ws_1"), ports=ports, now=at(1))
    with pytest.raises(UnavailableError):
        publish_pending(ports=ports, now=at(12))
    queue.is_down = False

    assert publish_pending(ports=ports, now=at(13)) == 1
    assert publish_pending(ports=ports, now=at(14)) == 0

    assert [message.job_id for message in queue.published] == [job.job_id]
    assert store.get_job("ws_1", job.job_id).published_at == at(13)


def test_a_job_that_is_being_submitted_is_not_published_twice(ports: JobPorts, store: MemoryJobStore, queue: MemoryJobQueue) -> None:
    """Between its row and its message, any worker may look for what is missing."""
    store.create_job(make_job("ws_1"))

    assert [publish_pending(ports=ports, now=at(seconds)) for seconds in (1, 9, 10, 11)] == [0, 0, 1, 0]
    assert len(queue.published) == 1


def test_a_job_whose_worker_died_with_its_message_is_published_again_once(
    ports: JobPorts, store: MemoryJobStore, queue: MemoryJobQueue
) -> None:
    job = submit_job(make_job("ws_1"), ports=ports, now=at(0))
    store.claim_job("ws_1", job.job_id, owner="w1", now=at(1), lease_seconds=20)

    counts = [publish_pending(ports=ports, now=at(seconds)) for seconds in (30, 120, 121)]

    assert counts == [0, 1, 0]
    assert [message.job_id for message in queue.published] == [job.job_id] * 2


def test_a_waiting_job_whose_message_was_used_up_is_published_again(ports: JobPorts, queue: MemoryJobQueue) -> None:
    job = submit_job(make_job("ws_1"), ports=ports, now=at(0))

    counts = [publish_pending(ports=ports, now=at(seconds)) for seconds in (600, 901, 902, 1500, 1802)]

    assert counts == [0, 1, 0, 0, 1]
    assert [message.job_id for message in queue.published] == [job.job_id] * 3


def test_a_job_is_submitted_once(ports: JobPorts, queue: MemoryJobQueue) -> None:
    job = submit_job(make_job("ws_1"), ports=ports, now=at(0))

    with pytest.raises(AlreadyExistsError):
        submit_job(job, ports=ports, now=at(1))

    assert len(queue.published) == 1


def test_a_cancelled_job_is_returned_as_it_is_now(ports: JobPorts) -> None:
    job = submit_job(make_job("ws_1"), ports=ports, now=at(0))

    assert cancel_job(job.job_id, by=make_user("ws_1"), now=at(1), ports=ports).state == "cancelled"
