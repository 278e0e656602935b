"""Jobs in MySQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, or_, select, tuple_

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import JobRow
from presage.errors import ConflictError, JobCancelledError, NotFoundError
from presage.jobs.model import JOB_LIST, RETRIABLE, Job, JobKind, JobState


class SqlJobStore:
    """`JobStore` on an engine. Claims, progress and ends are single conditional updates: the row's lease decides."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, JobRow, Job, JOB_LIST)

    def create_job(self, job: Job) -> None:
        """Add a queued, unpublished job in one transaction; a retry is noted at the job that it is of, or raises `ConflictError`."""
        of = (JobRow.workspace_id == job.workspace_id, JobRow.job_id == job.retry_of)
        free = (JobRow.state.in_(RETRIABLE), JobRow.retried_as.is_(None))
        with unit_of_work(self._engine, duplicate=f"Job {job.job_id}") as session:
            if job.retry_of is not None and not update_rows(session, JobRow, *of, *free, values={"retried_as": job.job_id}):
                raise ConflictError(f"Job {job.retry_of} was retried as {job.job_id}, or cannot be")
            insert_row(session, JobRow, job)

    def get_job(self, workspace_id: str, job_id: str) -> Job:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(JobRow)).where(JobRow.workspace_id == workspace_id, JobRow.job_id == job_id)
        with unit_of_work(self._engine) as session:
            job = find_row(session, statement, Job)
        if job is None:
            raise NotFoundError(f"There is no job {job_id}")
        return job

    def list_jobs(
        self, workspace_id: str, *, before: str = "", limit: int = 50, states: Collection[JobState] = (), kinds: Collection[JobKind] = ()
    ) -> Sequence[Job]:
        """Return a page of those in one of the states and of one of the kinds, if any are named, newest first, behind the job `before`."""
        statement = select(table_of(JobRow)).where(JobRow.workspace_id == workspace_id)
        if states:
            statement = statement.where(JobRow.state.in_(states))
        if kinds:
            statement = statement.where(JobRow.kind.in_(kinds))
        if before:
            mark = select(JobRow.created_at, JobRow.job_id).where(JobRow.workspace_id == workspace_id, JobRow.job_id == before)
            statement = statement.where(tuple_(JobRow.created_at, JobRow.job_id) < mark.scalar_subquery())
        page = statement.order_by(JobRow.created_at.desc(), JobRow.job_id.desc()).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, Job)

    def claim_job(self, workspace_id: str, job_id: str, *, owner: str, now: datetime, lease_seconds: float) -> Job | None:
        """Take a queued job, or a running one whose lease ended; None while another owner has it or it has ended."""
        lease_ended = and_(JobRow.state == "running", JobRow.lease_until <= now)
        with unit_of_work(self._engine) as session:
            changed = update_rows(
                session,
                JobRow,
                JobRow.workspace_id == workspace_id,
                JobRow.job_id == job_id,
                or_(JobRow.state == "queued", lease_ended),
                values={
                    "state": "running",
                    "lease_owner": owner,
                    "lease_until": now + timedelta(seconds=lease_seconds),
                    "attempts": JobRow.attempts + 1,
                },
            )
        return self.get_job(workspace_id, job_id) if changed else None

    def update_progress(self, job: Job, *, progress: float, message: str, checkpoint: Mapping[str, object], lease_until: datetime) -> Job:
        """Store progress and extend the lease; raise `JobCancelledError` if asked to stop, `ConflictError` if no longer the owner."""
        values = {"progress": progress, "message": message, "checkpoint": dict(checkpoint), "lease_until": lease_until}
        with unit_of_work(self._engine) as session:
            changed = update_rows(session, JobRow, *_owned(job), JobRow.cancel_requested.is_(False), values=values)
        if not changed:
            current = self.get_job(job.workspace_id, job.job_id)
            if current.cancel_requested and current.lease_owner == job.lease_owner:
                raise JobCancelledError(f"Job {job.job_id} was cancelled")
            raise ConflictError(f"Job {job.job_id} is {current.state} and no longer this worker's")
        return replace(job, progress=progress, message=message, checkpoint=dict(checkpoint), lease_until=lease_until)

    def finish_job(self, job: Job, *, state: JobState, message: str, result: Mapping[str, object], now: datetime) -> None:
        """Close the job, or raise `ConflictError` when this owner no longer has it."""
        values: dict[str, object] = {
            "state": state,
            "message": message,
            "result": dict(result),
            "finished_at": now,
            "lease_owner": None,
            "lease_until": None,
        }
        if state == "succeeded":
            values["progress"] = 1.0
        with unit_of_work(self._engine) as session:
            if not update_rows(session, JobRow, *_owned(job), values=values):
                raise ConflictError(f"Job {job.job_id} is no longer this worker's")


def _owned(job: Job) -> tuple[ColumnElement[bool], ...]:
    return (
        JobRow.workspace_id == job.workspace_id,
        JobRow.job_id == job.job_id,
        JobRow.state == "running",
        JobRow.lease_owner == job.lease_owner,
    )
