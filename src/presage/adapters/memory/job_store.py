"""Jobs and their outbox in a dictionary."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import RLock

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, ConflictError, JobCancelledError, NotFoundError
from presage.jobs.model import JOB_LIST, RETRIABLE, Job, JobKind, JobState

_NEVER = datetime.min.replace(tzinfo=UTC)


class MemoryJobStore:
    """`JobStore` and `JobOutbox` for tests; a lock makes each call atomic, as a row's update is."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], Job] = {}
        self._lock = RLock()
        self.listing = MemoryListing(
            JOB_LIST, lambda workspace_id: [job for job in self._jobs.values() if job.workspace_id == workspace_id]
        )

    def create_job(self, job: Job) -> None:
        """Add a queued, unpublished job; a retry is noted at the job that it is of, or raises `ConflictError`."""
        with self._lock:
            of = None if job.retry_of is None else self._jobs.get((job.workspace_id, job.retry_of))
            if job.retry_of is not None and (of is None or of.state not in RETRIABLE or of.retried_as is not None):
                raise ConflictError(f"Job {job.retry_of} was retried as {job.job_id}, or cannot be")
            if (job.workspace_id, job.job_id) in self._jobs:
                raise AlreadyExistsError(f"Job {job.job_id} exists already")
            if of is not None:
                self._put(replace(of, retried_as=job.job_id))
            self._put(job)

    def get_job(self, workspace_id: str, job_id: str) -> Job:
        """Return it, or raise `NotFoundError`."""
        with self._lock:
            if (workspace_id, job_id) not in self._jobs:
                raise NotFoundError(f"There is no job {job_id}")
            return self._jobs[workspace_id, job_id]

    def list_jobs(
        self, workspace_id: str, *, before: str = "", limit: int = 50, states: Collection[JobState] = (), kinds: Collection[JobKind] = ()
    ) -> Sequence[Job]:
        """Return a page of those in one of the states and of one of the kinds, if any are named, newest first, behind the job `before`."""
        with self._lock:
            mine = sorted((job for job in self._jobs.values() if job.workspace_id == workspace_id), key=_order, reverse=True)
            if before:
                mark = self._jobs.get((workspace_id, before))
                mine = [job for job in mine if mark is not None and _order(job) < _order(mark)]
            wanted = [job for job in mine if (not states or job.state in states) and (not kinds or job.kind in kinds)]
            return wanted[:limit]

    def claim_job(self, workspace_id: str, job_id: str, *, owner: str, now: datetime, lease_seconds: float) -> Job | None:
        """Take a queued job, or a running one whose lease ended; None while another owner has it or it has ended."""
        with self._lock:
            job = self._jobs.get((workspace_id, job_id))
            if job is None or not (job.state == "queued" or _lease_ended(job, now)):
                return None
            lease_until = now + timedelta(seconds=lease_seconds)
            return self._put(replace(job, state="running", lease_owner=owner, lease_until=lease_until, attempts=job.attempts + 1))

    def update_progress(self, job: Job, *, progress: float, message: str, checkpoint: Mapping[str, object], lease_until: datetime) -> Job:
        """Store progress and extend the lease; raise `JobCancelledError` if asked to stop, `ConflictError` if no longer the owner."""
        with self._lock:
            current = self._require_owned(job)
            if current.cancel_requested:
                raise JobCancelledError(f"Job {job.job_id} was cancelled")
            return self._put(replace(current, progress=progress, message=message, checkpoint=dict(checkpoint), lease_until=lease_until))

    def finish_job(self, job: Job, *, state: JobState, message: str, result: Mapping[str, object], now: datetime) -> None:
        """Close the job, or raise `ConflictError` when this owner no longer has it."""
        with self._lock:
            current = self._require_owned(job)
            ended = replace(current, state=state, message=message, result=dict(result), finished_at=now, lease_owner=None, lease_until=None)
            self._put(replace(ended, progress=1.0) if state == "succeeded" else ended)

    def list_unpublished(self, *, limit: int = 100) -> Sequence[Job]:
        """Return queued jobs whose message is not on the queue yet, oldest first."""
        with self._lock:
            waiting = [job for job in self._jobs.values() if job.published_at is None and job.state == "queued"]
            return sorted(waiting, key=_order)[:limit]

    def list_orphaned(self, *, lease_ended_before: datetime, queued_before: datetime, limit: int = 100) -> Sequence[Job]:
        """Return jobs that nobody works on and whose message may be used up, the oldest publication first."""
        with self._lock:
            abandoned = [
                job
                for job in self._jobs.values()
                if _lease_ended(job, lease_ended_before) and (job.published_at is None or job.published_at < lease_ended_before)
            ]
            overdue = [
                job for job in self._jobs.values() if job.state == "queued" and job.published_at and job.published_at < queued_before
            ]
            return sorted(abandoned + overdue, key=lambda job: (job.published_at or _NEVER, job.job_id))[:limit]

    def mark_published(self, job: Job, *, now: datetime) -> None:
        """Note that the message is on the queue."""
        with self._lock:
            self._put(replace(self.get_job(job.workspace_id, job.job_id), published_at=now))

    def request_cancel(self, workspace_id: str, job_id: str, *, now: datetime) -> None:
        """Cancel a queued job at once; ask a running one to stop at its next safe point; an ended one stays as it is."""
        with self._lock:
            job = self.get_job(workspace_id, job_id)
            if job.state == "queued":
                message = "Cancelled before it began"
                self._put(replace(job, state="cancelled", cancel_requested=True, message=message, finished_at=now))
            elif job.state == "running":
                self._put(replace(job, cancel_requested=True))

    def _put(self, job: Job) -> Job:
        self._jobs[job.workspace_id, job.job_id] = job
        return job

    def _require_owned(self, job: Job) -> Job:
        current = self.get_job(job.workspace_id, job.job_id)
        if current.state != "running" or current.lease_owner != job.lease_owner:
            raise ConflictError(f"Job {job.job_id} is {current.state} and no longer this worker's")
        return current


def _order(job: Job) -> tuple[datetime, str]:
    return job.created_at, job.job_id


def _lease_ended(job: Job, now: datetime) -> bool:
    return job.state == "running" and job.lease_until is not None and job.lease_until <= now
