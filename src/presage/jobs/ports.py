"""What background work needs from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from presage.jobs.model import Job, JobKind, JobState, Notification, QueueDepth


class JobStore(Protocol):
    """Jobs, which are their own outbox (MySQL)."""

    def create_job(self, job: Job) -> None:
        """Add a queued, unpublished job in one transaction; a retry is noted at the job that it is of.

        Raises:
            AlreadyExistsError: There is a job of that id.
            ConflictError: The job that it is a retry of is not `RETRIABLE`, or was retried before.
        """

    def get_job(self, workspace_id: str, job_id: str) -> Job:
        """Return it, or raise `NotFoundError`."""

    def list_jobs(
        self, workspace_id: str, *, before: str = "", limit: int = 50, states: Collection[JobState] = (), kinds: Collection[JobKind] = ()
    ) -> Sequence[Job]:
        """Return a page of those in one of the states and of one of the kinds, if any are named, newest first, behind the job `before`."""

    def claim_job(self, workspace_id: str, job_id: str, *, owner: str, now: datetime, lease_seconds: float) -> Job | None:
        """Take a queued job, or a running one whose lease ended; None while another owner has it or it has ended."""

    def update_progress(self, job: Job, *, progress: float, message: str, checkpoint: Mapping[str, object], lease_until: datetime) -> Job:
        """Store progress and extend the lease; raise `JobCancelledError` if asked to stop, `ConflictError` if no longer the owner."""

    def finish_job(self, job: Job, *, state: JobState, message: str, result: Mapping[str, object], now: datetime) -> None:
        """Close the job, or raise `ConflictError` when this owner no longer has it."""


class JobOutbox(Protocol):
    """The unpublished side of the job store (MySQL)."""

    def list_unpublished(self, *, limit: int = 100) -> Sequence[Job]:
        """Return queued jobs whose message is not on the queue yet, oldest first."""

    def list_orphaned(self, *, lease_ended_before: datetime, queued_before: datetime, limit: int = 100) -> Sequence[Job]:
        """Return jobs that nobody works on and whose message may be used up, the oldest publication first.

        Running ones whose lease and publication, if any, both lie before `lease_ended_before`; queued ones that were published
        before `queued_before`.
        """

    def mark_published(self, job: Job, *, now: datetime) -> None:
        """Note that the message is on the queue."""

    def request_cancel(self, workspace_id: str, job_id: str, *, now: datetime) -> None:
        """Cancel a queued job at once; ask a running one to stop at its next safe point; raise `NotFoundError`."""


class JobQueue(Protocol):
    """The way to the workers (SQS)."""

    def publish_job(self, job: Job) -> None:
        """Return once the message is durable, or raise `UnavailableError`."""


class QueueInspector(Protocol):
    """The queues between the services, as the operator sees them (SQS)."""

    def list_queues(self) -> Sequence[QueueDepth]:
        """Return how full each one is, in the order of their names.

        Raises:
            UnavailableError: The queues did not answer.
        """

    def redrive_jobs(self, *, limit: int) -> int:
        """Put dead letters of the jobs queue back on it, at most `limit`, and return how many.

        Idempotency: a message that is there twice does no harm, as the lease of a job decides who works.

        Raises:
            UnavailableError: The queues did not answer; what was moved by then is.
        """


class NotificationStore(Protocol):
    """What users are told (MySQL)."""

    def put_notification(self, notification: Notification) -> None:
        """Add it; the same `notification_id` again changes nothing."""

    def list_notifications(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[Notification]:
        """Return a page, newest first."""
