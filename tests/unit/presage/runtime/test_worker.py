"""The worker as the daemon sees it: which answer deletes a message, and which brings it back."""

import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

import pytest
from flask.testing import FlaskClient

from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.errors import UnavailableError
from presage.jobs.execution import Execution, JobResult
from presage.jobs.model import Job
from presage.jobs.use_cases import JobPorts
from presage.progress import Progress
from presage.runtime.worker import Worker, create_worker_app, set_on_sigterm
from tests.fixtures.metadata_rows import make_job


@dataclass
class Place:
    store: MemoryJobStore = field(default_factory=MemoryJobStore)
    queue: MemoryJobQueue = field(default_factory=MemoryJobQueue)
    is_down: bool = False

    def handle(self, _: Job, progress: Progress) -> JobResult:
        progress(0.5, "half")
        if self.is_down:
            raise UnavailableError("S3 is down")
        return JobResult("done")

    def client(self) -> FlaskClient:
        handlers = {"analyse_experiment": self.handle}
        clock = lambda: datetime.now(UTC)  # noqa: E731
        execution = Execution(self.store, MemoryNotificationStore(), handlers, clock, Event())  # type: ignore[arg-type]
        jobs = JobPorts(self.store, self.store, self.queue)
        return create_worker_app(__name__, Worker(execution, jobs, {"count": lambda: 7})).test_client()

    def message(self, job: Job) -> bytes:
        return json.dumps({"schema": 1, "workspace_id": job.workspace_id, "job_id": job.job_id, "kind": job.kind}).encode()


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def job(place: Place) -> Job:
    job = make_job("ws_1")
    place.store.create_job(job)
    return job


def test_a_done_job_is_answered_with_200(place: Place, job: Job) -> None:
    assert place.client().post("/", data=place.message(job)).status_code == 200

    assert place.store.get_job("ws_1", job.job_id).state == "succeeded"


def test_an_outage_brings_the_message_back(place: Place, job: Job) -> None:
    place.is_down = True
    client = place.client()

    assert client.post("/", data=place.message(job)).status_code == 503
    place.is_down = False
    assert client.post("/", data=place.message(job)).status_code == 200


def test_a_job_that_another_worker_has_brings_the_message_back(place: Place, job: Job) -> None:
    place.store.claim_job("ws_1", job.job_id, owner="other", now=datetime.now(UTC), lease_seconds=20)

    assert place.client().post("/", data=place.message(job)).status_code == 429


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"schema": 2, "workspace_id": "w", "job_id": "j", "kind": "import_file"}', b'{"schema": 1}', b"\xff"],
)
def test_a_malformed_message_is_refused_with_its_reason_in_the_log(place: Place, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = place.client().post("/", data=body, headers={"x-aws-sqsd-msgid": "m-1"})

    assert response.status_code == 400
    refusal = next(record for record in caplog.records if record.message == "message refused")
    assert refusal.__dict__["presage_fields"]["message_id"] == "m-1"
    assert refusal.__dict__["presage_fields"]["reason"]


def test_a_message_of_no_job_is_refused(place: Place) -> None:
    assert place.client().post("/", data=place.message(make_job("ws_9"))).status_code == 404


def test_each_message_also_relays_what_waits_in_the_outbox(place: Place, job: Job) -> None:
    waiting = make_job("ws_1", seconds=-5)
    place.store.create_job(waiting)

    place.client().post("/", data=place.message(job))

    assert waiting.job_id in [published.job_id for published in place.queue.published]
    assert place.store.get_job("ws_1", waiting.job_id).published_at is not None


def test_a_queue_that_is_down_does_not_stop_the_job_at_hand(place: Place, job: Job) -> None:
    place.queue.is_down = True

    assert place.client().post("/", data=place.message(job)).status_code == 200


def test_a_periodic_task_runs_by_its_name(place: Place) -> None:
    client = place.client()

    assert client.post("/cron/count").get_json() == {"task": "count", "count": 7}
    assert client.post("/cron/unknown").status_code == 404
    assert client.get("/cron/count").status_code == 405


@pytest.fixture
def sigterm() -> Iterator[list[int]]:
    """What was to be done on SIGTERM before: note it."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


def test_sigterm_sets_the_event_and_still_does_what_it_did(sigterm: list[int]) -> None:
    stopping = Event()
    set_on_sigterm(stopping)

    os.kill(os.getpid(), signal.SIGTERM)

    assert stopping.is_set()
    assert sigterm == [signal.SIGTERM]
