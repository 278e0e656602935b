"""A worker's hold on a job: a heartbeat that keeps it, and the safe points at which it is given up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from presage.errors import ConflictError, JobCancelledError, PresageError, UnavailableError, WorkerStoppingError
from presage.jobs.model import Job
from presage.jobs.ports import JobStore

LEASE_SECONDS = 20.0
HEARTBEAT_SECONDS = 5.0
STORE_PROGRESS_SECONDS = 1.0

_LOG = logging.getLogger("presage.jobs")


class JobLease:
    """The `Progress` of a claimed job. Inside `with`, a thread extends the lease, whatever the work is waiting for.

    Called at a safe point, it raises `JobCancelledError` (a user cancelled), `WorkerStoppingError` (the process ends),
    `ConflictError` (another worker has it) or `UnavailableError` (the database was silent for too long); else it stores
    progress, at most once a second unless there is a new checkpoint.
    """

    def __init__(self, job: Job, *, store: JobStore, clock: Callable[[], datetime], stopping: Event) -> None:
        self._job = job
        self._store = store
        self._clock = clock
        self._stopping = stopping
        self._lock = Lock()
        self._ended = Event()
        self._lost: PresageError | None = None
        self._stored_at: datetime | None = None
        self._thread = Thread(target=self._keep_alive, name=f"lease-{job.job_id}", daemon=True)

    def __enter__(self) -> Self:
        """Start the heartbeat."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the heartbeat; the lease itself runs on until it is released or the job finished."""
        self._ended.set()
        self._thread.join()

    @property
    def job(self) -> Job:
        """The job as it was stored last."""
        return self._job

    def __call__(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        """Report progress at a safe point; see the class for what it raises."""
        with self._lock:
            if self._lost is not None:
                raise self._lost
            now = self._clock()
            is_due = self._stored_at is None or now - self._stored_at >= timedelta(seconds=STORE_PROGRESS_SECONDS)
            if checkpoint is not None or is_due:
                self._put(min(max(fraction, 0.0), 1.0), message, self._job.checkpoint if checkpoint is None else checkpoint, now)
                self._stored_at = now
            if self._stopping.is_set():
                raise WorkerStoppingError(f"The worker stops; job {self._job.job_id} goes on elsewhere")

    def release(self) -> None:
        """End heartbeat and lease now, so that another worker need not wait; a lease that was lost stays lost."""
        with self._lock:
            self._ended.set()
            job = self._job
            try:
                self._store.update_progress(
                    job, progress=job.progress, message=job.message, checkpoint=job.checkpoint, lease_until=self._clock()
                )
            except (ConflictError, JobCancelledError, UnavailableError) as error:
                _LOG.warning("lease of job %s could not be released and ends by itself: %s", job.job_id, error)

    def _put(self, fraction: float, message: str, checkpoint: Mapping[str, object], now: datetime) -> None:
        lease_until = now + timedelta(seconds=LEASE_SECONDS)
        self._job = self._store.update_progress(
            self._job, progress=fraction, message=message, checkpoint=checkpoint, lease_until=lease_until
        )

    def _keep_alive(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with self._lock:
                if self._ended.is_set():
                    return
                try:
                    self._put(self._job.progress, self._job.message, self._job.checkpoint, self._clock())
                except UnavailableError as error:
                    _LOG.warning("heartbeat of job %s failed: %s", self._job.job_id, error)
                    self._lost = self._judge_silence()
                except PresageError as error:
                    self._lost = error
                    return

    def _judge_silence(self) -> PresageError | None:
        """Return the error to stop with once the lease has run out without an answer of the database."""
        is_over = self._job.lease_until is not None and self._job.lease_until <= self._clock()
        return UnavailableError(f"The lease of job {self._job.job_id} ran out unanswered") if is_over else None
