"""Run one job: claim it, do it, end it, tell its user. At-least-once delivery in, exactly one effect out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Literal
from uuid import uuid4

from presage.errors import (
    AlreadyExistsError,
    ConflictError,
    CorruptArtifactError,
    ForbiddenError,
    InvalidInputError,
    JobCancelledError,
    NotFoundError,
    PresageError,
    UnavailableError,
    WorkerStoppingError,
)
from presage.jobs.lease import LEASE_SECONDS, JobLease
from presage.jobs.model import Job, JobKind, JobState, Notification
from presage.jobs.ports import JobStore, NotificationStore
from presage.jobs.use_cases import SYSTEM
from presage.progress import Progress

MAX_ATTEMPTS = 5
FINAL_ERRORS = (InvalidInputError, NotFoundError, AlreadyExistsError, ConflictError, ForbiddenError, CorruptArtifactError)
"""What no retry can mend."""

LONGEST_MESSAGE = 2000
"""Characters; an error may quote a whole file, a row of the database holds 64 KB."""
UNEXPECTED = "something unexpected went wrong on our side, and was logged"

Outcome = Literal["done", "busy", "retry"]

_LOG = logging.getLogger("presage.jobs")


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a handler leaves: a line for the user, JSON-able values, how it ended. The system's own jobs are told only if `noteworthy`."""

    summary: str
    values: Mapping[str, object] = field(default_factory=dict)
    noteworthy: bool = False
    state: Literal["succeeded", "quarantined"] = "succeeded"


Handler = Callable[[Job, Progress], JobResult]


@dataclass(frozen=True, slots=True)
class Execution:
    """What running jobs needs. `stopping` is set when the process has been asked to end."""

    store: JobStore
    notifications: NotificationStore
    handlers: Mapping[JobKind, Handler]
    clock: Callable[[], datetime]
    stopping: Event


def run_job(workspace_id: str, job_id: str, *, execution: Execution) -> Outcome:
    """Do the job of one message and return whether the message is done with.

    `done`: the job has ended, now or before. `busy`: another worker has it, or this one is stopping. `retry`: it goes on later.
    Outages and what nobody foresaw are tried again; in the end the user is told what to do, never a traceback, which is logged.
    Idempotency: a message may come any number of times; a handler starts from the checkpoint of the last attempt.

    Raises:
        NotFoundError: There is no such job; its message is no use.
    """
    if execution.stopping.is_set():
        return "busy"
    now = execution.clock()
    job = execution.store.claim_job(workspace_id, job_id, owner=uuid4().hex, now=now, lease_seconds=LEASE_SECONDS)
    if job is None:
        return _answer_unclaimed(execution.store.get_job(workspace_id, job_id), execution)
    if job.attempts > MAX_ATTEMPTS:
        return _give_up(job, f"each worker was lost, the last one at: {job.message}", UnavailableError.code, execution)
    return _work(job, execution)


def _answer_unclaimed(job: Job, execution: Execution) -> Outcome:
    if job.state in {"queued", "running"}:
        return "busy"
    _notify(job, execution)
    return "done"


def _work(job: Job, execution: Execution) -> Outcome:
    lease = JobLease(job, store=execution.store, clock=execution.clock, stopping=execution.stopping)
    try:
        with lease:
            result = execution.handlers[job.kind](job, lease)
    except JobCancelledError:
        return _end(lease.job, "cancelled", JobResult("Cancelled"), execution)
    except WorkerStoppingError:
        lease.release()
        return "retry"
    except UnavailableError as error:
        _LOG.warning("attempt %d of job %s failed: %s", job.attempts, job.job_id, error)
        return _try_again(lease, str(error), error.code, execution)
    except FINAL_ERRORS as error:
        _LOG.warning("job %s failed: %s", job.job_id, error)
        values = {"code": error.code, "path": getattr(error, "path", None)}
        return _end(lease.job, "failed", JobResult(str(error), values), execution)
    except Exception:  # noqa: BLE001 - the edge of a job: what nobody foresaw must not leave its user without an answer
        _LOG.exception("attempt %d of job %s failed unexpectedly", job.attempts, job.job_id)
        return _try_again(lease, UNEXPECTED, PresageError.code, execution)
    return _end(lease.job, result.state, result, execution)


def _try_again(lease: JobLease, reason: str, code: str, execution: Execution) -> Outcome:
    if lease.job.attempts >= MAX_ATTEMPTS:
        return _give_up(lease.job, reason, code, execution)
    lease.release()
    return "retry"


def _give_up(job: Job, reason: str, code: str, execution: Execution) -> Outcome:
    advice = f"Start it again later; if that fails too, report the job {job.job_id}"
    message = f"Given up after {MAX_ATTEMPTS} attempts: {reason}. {advice}"
    return _end(job, "failed", JobResult(message, {"code": code, "path": None}), execution)


def _end(job: Job, state: JobState, result: JobResult, execution: Execution) -> Outcome:
    """Close the job and tell its user; when the lease was lost meanwhile, leave both to the owner who has it now."""
    values = {**result.values, "noteworthy": result.noteworthy or state == "failed"}
    message = result.summary if len(result.summary) <= LONGEST_MESSAGE else f"{result.summary[: LONGEST_MESSAGE - 1]}…"
    try:
        execution.store.finish_job(job, state=state, message=message, result=values, now=execution.clock())
    except ConflictError as error:
        _LOG.warning("job %s ended here as %s, but %s", job.job_id, state, error)
        return "retry"
    _notify(execution.store.get_job(job.workspace_id, job.job_id), execution)
    return "done"


def _notify(job: Job, execution: Execution) -> None:
    if job.created_by == SYSTEM and not job.result.get("noteworthy"):
        return
    execution.notifications.put_notification(
        Notification(
            workspace_id=job.workspace_id,
            notification_id=f"ntf_{job.job_id}",
            user_id=job.created_by,
            subject=f"{job.kind.replace('_', ' ').capitalize()} {job.state}",
            body=job.message,
            created_at=job.finished_at or execution.clock(),
            read_at=None,
            event=f"{job.kind}.{job.state}",
        )
    )
