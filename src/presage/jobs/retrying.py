"""Submits again what failed or was cancelled, as a new job that does the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from presage.errors import ConflictError, UnavailableError
from presage.jobs.model import RETRIABLE, Job, JobKind
from presage.jobs.ports import JobStore
from presage.jobs.use_cases import KINDS, PERMISSIONS, JobPorts, submit_job
from presage.tenancy.model import User
from presage.tenancy.permissions import GRANTS, Permission, authorise

RESUMING: frozenset[JobKind] = frozenset({"import_file", "import_amplitude", "import_warehouse", "build_model"})
"""Kinds whose checkpoint says where to go on whatever job it is, and when it was created.

The others' hang on either: a snapshot is as of its job's creation, the results of a batch are its job's.
"""
_PERMISSIONS: Mapping[JobKind, Permission] = {KINDS[arguments]: permission for arguments, permission in PERMISSIONS.items()}


def may_retry(job: Job, *, by: User) -> bool:
    """Return whether the user may have that job submitted again, and it can be."""
    return job.state in RETRIABLE and job.retried_as is None and _PERMISSIONS[job.kind] in GRANTS[by.role]


def retry_job(job_id: str, *, by: User, now: datetime, ports: JobPorts) -> Job:
    """Submit a job again, with the same arguments, and return the new one.

    It goes on from the old one's checkpoint if that was given up for an outage, as a further attempt would. What was refused, or
    cancelled, begins anew: what it was refused for may be mended, and what it had pinned would not see that.

    Raises:
        NotFoundError: The workspace has no such job.
        ForbiddenError: `by` lacks the permission to ask for jobs of that kind.
        ConflictError: It has neither failed nor was it cancelled, or it was retried before; the message names the job that it was
            retried as.
    """
    old = ports.store.get_job(by.workspace_id, job_id)
    authorise(by, _PERMISSIONS[old.kind])
    if old.retried_as is not None:
        raise ConflictError(f"Job {old.job_id} was retried as {old.retried_as}")
    if old.state not in RETRIABLE:
        raise ConflictError(f"Job {old.job_id} is {old.state}; only one that failed or was cancelled can be retried")
    return submit_job(build_retry(old, by=by, now=now), ports=ports, now=now)


def build_retry(old: Job, *, by: User, now: datetime) -> Job:
    """Return the only job that the old one can be retried as: its id follows from the old one's."""
    return replace(
        old,
        job_id=f"job_{sha256(f'retry of {old.job_id}'.encode()).hexdigest()[:32]}",
        state="queued",
        progress=0.0,
        message="Waiting for a worker",
        attempts=0,
        checkpoint=old.checkpoint if _can_resume(old) else {},
        result={},
        created_by=by.user_id,
        created_at=now,
        published_at=None,
        lease_owner=None,
        lease_until=None,
        finished_at=None,
        cancel_requested=False,
        retry_of=old.job_id,
        retried_as=None,
    )


def find_last_retry(job: Job, store: JobStore) -> Job:
    """Return the job that stands for this one now: its last retry, or itself."""
    while job.retried_as is not None:
        job = store.get_job(job.workspace_id, job.retried_as)
    return job


def _can_resume(old: Job) -> bool:
    return old.kind in RESUMING and old.state == "failed" and old.result.get("code") == UnavailableError.code
