"""The unpublished side of the jobs in MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, and_, or_, select

from presage.adapters.sql.database import list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import JobRow
from presage.errors import NotFoundError
from presage.jobs.model import Job


class SqlJobOutbox:
    """`JobOutbox` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_unpublished(self, *, limit: int = 100) -> Sequence[Job]:
        """Return queued jobs whose message is not on the queue yet, oldest first."""
        statement = (
            select(table_of(JobRow))
            .where(JobRow.published_at.is_(None), JobRow.state == "queued")
            .order_by(JobRow.created_at, JobRow.job_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Job)

    def list_orphaned(self, *, lease_ended_before: datetime, queued_before: datetime, limit: int = 100) -> Sequence[Job]:
        """Return jobs that nobody works on and whose message may be used up, the oldest publication first."""
        silent = or_(JobRow.published_at.is_(None), JobRow.published_at < lease_ended_before)
        abandoned = and_(JobRow.state == "running", JobRow.lease_until < lease_ended_before, silent)
        overdue = and_(JobRow.state == "queued", JobRow.published_at < queued_before)
        statement = select(table_of(JobRow)).where(or_(abandoned, overdue)).order_by(JobRow.published_at, JobRow.job_id).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, statement, Job)

    def mark_published(self, job: Job, *, now: datetime) -> None:
        """Note that the message is on the queue."""
        with unit_of_work(self._engine) as session:
            update_rows(session, JobRow, JobRow.workspace_id == job.workspace_id, JobRow.job_id == job.job_id, values={"published_at": now})

    def request_cancel(self, workspace_id: str, job_id: str, *, now: datetime) -> None:
        """Cancel a queued job at once; ask a running one to stop at its next safe point; an ended one stays as it is.

        Raises:
            NotFoundError: The workspace has no such job.
        """
        mine = (JobRow.workspace_id == workspace_id, JobRow.job_id == job_id)
        cancelled = {"state": "cancelled", "cancel_requested": True, "message": "Cancelled before it began", "finished_at": now}
        with unit_of_work(self._engine) as session:
            if update_rows(session, JobRow, *mine, JobRow.state == "queued", values=cancelled):
                return
            if update_rows(session, JobRow, *mine, JobRow.state == "running", values={"cancel_requested": True}):
                return
            if session.execute(select(JobRow.job_id).where(*mine)).first() is None:
                raise NotFoundError(f"There is no job {job_id}")
