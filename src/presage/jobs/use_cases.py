"""Submit, publish and cancel background jobs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from presage.errors import AlreadyExistsError, UnavailableError
from presage.identifiers import new_identifier
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
from presage.jobs.model import Job, JobKind
from presage.jobs.ports import JobOutbox, JobQueue, JobStore
from presage.tenancy.model import User
from presage.tenancy.permissions import Permission, authorise

SYSTEM = "system"
UNPUBLISHED_AFTER_SECONDS = 10
"""A younger job's message is being published by whoever submits it. A second one comes back until the job ends, or it is a dead letter."""
ORPHANED_AFTER_SECONDS = 90
OVERDUE_AFTER_SECONDS = 900
"""A queued job's message may be used up too: by an outage of the database, or by its age. A longer queue costs one more message."""

Arguments = (
    ImportFile
    | ImportAmplitude
    | ImportWarehouse
    | BuildModel
    | AnalyseExperiment
    | EstimateOffPolicy
    | CheckDrift
    | PredictBatch
    | RefreshSnapshot
)
KINDS: dict[type, JobKind] = {
    ImportFile: "import_file",
    ImportAmplitude: "import_amplitude",
    ImportWarehouse: "import_warehouse",
    BuildModel: "build_model",
    AnalyseExperiment: "analyse_experiment",
    EstimateOffPolicy: "estimate_off_policy",
    CheckDrift: "check_drift",
    PredictBatch: "predict_batch",
    RefreshSnapshot: "refresh_snapshot",
}

PERMISSIONS: dict[type, Permission] = {
    ImportFile: "data.write",
    ImportAmplitude: "data.write",
    ImportWarehouse: "data.write",
    BuildModel: "models.write",
    AnalyseExperiment: "experiments.run",
    EstimateOffPolicy: "analyses.run",
    CheckDrift: "analyses.run",
    PredictBatch: "models.write",
    RefreshSnapshot: "models.write",
}
"""What a user needs in order to ask for a job; the system's own need nothing."""

_LOG = logging.getLogger("presage.jobs")


@dataclass(frozen=True, slots=True)
class JobPorts:
    """What submitting and publishing need from outside."""

    store: JobStore
    outbox: JobOutbox
    queue: JobQueue


def build_job(arguments: Arguments, *, workspace_id: str, created_by: str, now: datetime, job_id: str | None = None) -> Job:
    """Return a queued, unpublished job; give `job_id` to make submitting it idempotent."""
    return Job(
        workspace_id=workspace_id,
        job_id=job_id or new_identifier("job"),
        kind=KINDS[type(arguments)],
        arguments=msgspec.to_builtins(arguments),
        state="queued",
        progress=0.0,
        message="Waiting for a worker",
        attempts=0,
        checkpoint={},
        result={},
        created_by=created_by,
        created_at=now,
        published_at=None,
        lease_owner=None,
        lease_until=None,
        finished_at=None,
        cancel_requested=False,
    )


def request_job(arguments: Arguments, *, by: User, now: datetime, ports: JobPorts, job_id: str | None = None) -> Job:
    """Submit a job that a user asks for, and return it. Its row is durable then, its message follows by itself.

    Raises:
        ForbiddenError: `by` lacks the permission for jobs of that kind.
        AlreadyExistsError: A job of that id was submitted before.
    """
    workspace_id = authorise(by, PERMISSIONS[type(arguments)])
    job = build_job(arguments, workspace_id=workspace_id, created_by=by.user_id, now=now, job_id=job_id)
    return submit_job(job, ports=ports, now=now)


def submit_job(job: Job, *, ports: JobPorts, now: datetime) -> Job:
    """Write the row, then try to publish its message at once; what cannot be published is left to `publish_pending`.

    Raises:
        AlreadyExistsError: A job of that id was submitted before.
    """
    ports.store.create_job(job)
    try:
        _publish([job], ports=ports, now=now)
    except UnavailableError:
        _LOG.warning("job %s waits in the outbox: its message could not be published", job.job_id)
    return job


def submit_once(job: Job, *, ports: JobPorts, now: datetime) -> bool:
    """Submit a job whose id says what it is for, and return whether it was; one that was submitted before stays as it is."""
    try:
        submit_job(job, ports=ports, now=now)
    except AlreadyExistsError:
        return False
    return True


def publish_pending(*, ports: JobPorts, now: datetime) -> int:
    """Publish the messages that are missing and return how many were.

    Missing are those of queued jobs that were not published when they were submitted, or so long ago that the message may have been
    used up by an outage, and of running jobs without a live owner. Idempotency: the lease decides who works, whatever the messages are.

    Raises:
        UnavailableError: The queue or the database did not answer; what was published stays noted.
    """
    orphaned = ports.outbox.list_orphaned(
        lease_ended_before=now - timedelta(seconds=ORPHANED_AFTER_SECONDS), queued_before=now - timedelta(seconds=OVERDUE_AFTER_SECONDS)
    )
    submitted_before = now - timedelta(seconds=UNPUBLISHED_AFTER_SECONDS)
    left = [job for job in ports.outbox.list_unpublished() if job.created_at <= submitted_before]
    return _publish([*left, *orphaned], ports=ports, now=now)


def cancel_job(job_id: str, *, by: User, now: datetime, ports: JobPorts) -> Job:
    """Cancel a queued job at once, ask a running one to stop at its next safe point, and return it.

    Raises:
        ForbiddenError: `by` lacks `jobs.cancel`.
        NotFoundError: The workspace has no such job.
    """
    workspace_id = authorise(by, "jobs.cancel")
    ports.outbox.request_cancel(workspace_id, job_id, now=now)
    return ports.store.get_job(workspace_id, job_id)


def _publish(jobs: Sequence[Job], *, ports: JobPorts, now: datetime) -> int:
    for job in jobs:
        ports.queue.publish_job(job)
        ports.outbox.mark_published(job, now=now)
    return len(jobs)
