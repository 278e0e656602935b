"""The worker as Elastic Beanstalk's daemon sees it: messages are POSTed to `/`, periodic tasks to `/cron/<task>`.

200: done with, the daemon deletes the message. Anything else: the message comes again after a pause, and after the queue's
`maxReceiveCount` goes to its dead-letter queue; the reason is logged here.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from types import FrameType

from flask import Flask, Response, request

from presage.errors import InvalidInputError, NotFoundError, UnavailableError
from presage.jobs.execution import Execution, Outcome, run_job
from presage.jobs.messages import JobMessage
from presage.jobs.use_cases import JobPorts, publish_pending
from presage.runtime.bodies import decode_json
from presage.runtime.http import create_app, note, respond
from presage.runtime.observability import with_fields

STATUS_OF_OUTCOME: Mapping[Outcome, HTTPStatus] = {
    "done": HTTPStatus.OK,
    "busy": HTTPStatus.TOO_MANY_REQUESTS,
    "retry": HTTPStatus.SERVICE_UNAVAILABLE,
}

_LOG = logging.getLogger("presage.worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """What the application needs: how to run a job, the outbox, and the periodic tasks by name, which return a count."""

    execution: Execution
    jobs: JobPorts
    tasks: Mapping[str, Callable[[], int]]


def create_worker_app(import_name: str, worker: Worker, *, check_ready: Callable[[], None] | None = None) -> Flask:
    """Return the Flask application of a worker."""
    app = create_app(import_name, check_ready=check_ready)
    app.add_url_rule("/", "work", lambda: _work(worker), methods=["POST"])
    app.add_url_rule("/cron/<task>", "cron", lambda task: _run_task(worker, task), methods=["POST"])
    return app


def set_on_sigterm(stopping: Event) -> None:
    """Set `stopping` when the process gets SIGTERM, then do what was to be done on it before. Main thread only."""
    previous = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGTERM, stop)


def _work(worker: Worker) -> Response:
    message = _read_message()
    note(job_id=message.job_id, kind=message.kind, workspace_id=message.workspace_id)
    _relay(worker)
    try:
        outcome = run_job(message.workspace_id, message.job_id, execution=worker.execution)
    except NotFoundError as error:
        _log_refusal(str(error))
        raise
    note(outcome=outcome)
    return respond({"outcome": outcome}, STATUS_OF_OUTCOME[outcome])


def _read_message() -> JobMessage:
    try:
        return decode_json(request.get_data(cache=False), JobMessage)
    except InvalidInputError as error:
        _log_refusal(f"{error} at {error.path}")
        raise


def _log_refusal(reason: str) -> None:
    """Log why a message can never be done; the daemon gives it up to the dead-letter queue."""
    fields = {
        "reason": reason,
        "message_id": request.headers.get("x-aws-sqsd-msgid"),
        "receive_count": request.headers.get("x-aws-sqsd-receive-count"),
    }
    _LOG.error("message refused", extra=with_fields(fields))


def _relay(worker: Worker) -> None:
    try:
        publish_pending(ports=worker.jobs, now=worker.execution.clock())
    except UnavailableError as error:
        _LOG.warning("outbox not relayed: %s", error)


def _run_task(worker: Worker, task: str) -> Response:
    if task not in worker.tasks:
        raise NotFoundError(f"There is no task {task!r}; there are {sorted(worker.tasks)}")
    count = worker.tasks[task]()
    note(task=task, count=count)
    return respond({"task": task, "count": count})
