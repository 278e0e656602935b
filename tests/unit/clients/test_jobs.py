"""Waiting for jobs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from presage_client import models as m
from presage_client.errors import JobFailedError, JobTimeoutError
from tests.fixtures.python_client import Answers, AsyncDriver, SyncDriver, problem


def job(state: str, progress: float = 0.0, **changes: object) -> httpx.Response:
    ended = None if state in {"queued", "running"} else "2026-03-01T12:30:15Z"
    texts = {
        "job_id": "job_1",
        "kind": "build_model",
        "message": f"is {state}",
        "created_by": "usr_1",
        "created_at": "2026-03-01T12:00:00Z",
    }
    numbers = {"progress": progress, "attempts": 1, "cancel_requested": False, "retry_of": None, "retried_as": None}
    view: dict[str, object] = {**texts, **numbers, "state": state, "arguments": {}, "result": {}, "finished_at": ended}
    return httpx.Response(200, json=view | changes)


class Watch:
    """Takes progress, for both clients."""

    def __init__(self, driver: type[SyncDriver], fault: Exception | None = None) -> None:
        self.seen: list[float] = []
        self._is_async, self._fault = driver is AsyncDriver, fault

    def __call__(self, view: m.JobView) -> Any:  # noqa: ANN401 - an awaitable or nothing
        return self._note_async(view) if self._is_async else self._note(view)

    def _note(self, view: m.JobView) -> None:
        self.seen.append(view.progress)
        if self._fault:
            raise self._fault

    async def _note_async(self, view: m.JobView) -> None:
        self._note(view)


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> type[SyncDriver]:
    driver: type[SyncDriver] = request.param
    return driver


def test_a_job_is_looked_at_ever_less_often_until_it_has_succeeded(kind: type[SyncDriver]) -> None:
    running = [job("running", number / 20) for number in range(15)]
    driver, watch = kind(server := Answers([job("queued"), *running, job("succeeded", 1.0)])), Watch(kind)

    ended = driver.call("jobs.wait", "job_1", on_progress=watch)

    assert (ended.state, len(server.requests)) == ("succeeded", 17)
    assert watch.seen == [0.0, *(number / 20 for number in range(15)), 1.0]
    assert driver.time.slept[:3] == [0.5, 0.75, 1.125]
    assert driver.time.slept[-1] == 10


def test_a_job_that_has_ended_is_not_waited_for(kind: type[SyncDriver]) -> None:
    driver = kind(Answers([job("succeeded")]))

    assert driver.call("jobs.wait", "job_1", timeout_seconds=0).state == "succeeded"
    assert driver.time.slept == []


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("failed", "its message says what to change"),
        ("cancelled", "its message says what to change"),
        ("quarantined", "look at its load under the dataset's quarantine"),
        ("postponed", "its message says what to change"),
    ],
)
def test_another_ending_is_raised_with_the_job(kind: type[SyncDriver], state: str, step: str) -> None:
    with pytest.raises(JobFailedError, match=rf"^job job_1 \(build_model\) is {state}: is {state}; {step}$") as caught:
        kind(Answers([job("running"), job(state)])).call("jobs.wait", "job_1")

    assert caught.value.job.state == state


def test_a_time_out_is_kept_to_and_leaves_the_job_alone(kind: type[SyncDriver]) -> None:
    server = Answers([job("running", 0.25)] * 9)
    driver = kind(server)

    with pytest.raises(JobTimeoutError, match=r"^job job_1 \(build_model\) is still running at 25%$"):
        driver.call("jobs.wait", "job_1", timeout_seconds=5)

    assert sum(driver.time.slept) == 5
    assert {request.method for request in server.requests} == {"GET"}


def test_a_job_that_ends_at_the_time_out_has_ended(kind: type[SyncDriver]) -> None:
    driver = kind(Answers([job("running"), job("succeeded")]))

    assert driver.call("jobs.wait", "job_1", timeout_seconds=0.1).state == "succeeded"


def test_a_time_out_may_cancel_the_job(kind: type[SyncDriver]) -> None:
    server = Answers([job("running"), job("running"), job("running", 0.5, cancel_requested=True)])

    with pytest.raises(JobTimeoutError, match=r"is still running at 50%, and was asked to stop$"):
        kind(server).call("jobs.wait", "job_1", timeout_seconds=0.5, cancel_on_timeout=True)

    assert (server.requests[-1].method, server.requests[-1].url.path) == ("POST", "/api/v1/jobs/job_1/cancel")


def test_what_progress_raises_ends_the_waiting(kind: type[SyncDriver]) -> None:
    server = Answers([job("running")])

    with pytest.raises(KeyError, match="enough"):
        kind(server).call("jobs.wait", "job_1", on_progress=Watch(kind, KeyError("enough")))

    assert len(server.requests) == 1


def test_a_look_that_fails_is_repeated(kind: type[SyncDriver]) -> None:
    driver = kind(Answers([job("running"), problem(503, "unavailable"), httpx.ReadTimeout("slow"), job("succeeded")]))

    assert driver.call("jobs.wait", "job_1").state == "succeeded"
