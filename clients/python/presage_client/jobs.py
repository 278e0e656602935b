"""Waiting for background jobs, on top of the generated operations on them."""

from collections.abc import Awaitable, Callable, Iterator

from presage_client import models as m
from presage_client.async_resources import AsyncJobs
from presage_client.errors import JobFailedError, JobTimeoutError
from presage_client.resources import Jobs

FIRST_PAUSE_SECONDS = 0.5
MOST_PAUSE_SECONDS = 10.0
GROWTH = 1.5
ENDINGS = {"succeeded", "failed", "cancelled", "quarantined"}


def pause(timeout_seconds: float | None, now: Callable[[], float]) -> Iterator[float]:
    """Yield how long to wait before each further look, growing; end at the time-out, just before which there is a last look."""
    began, seconds = now(), FIRST_PAUSE_SECONDS
    while timeout_seconds is None or (left := began + timeout_seconds - now()) > 0:
        yield seconds if timeout_seconds is None else min(seconds, left)
        seconds = min(seconds * GROWTH, MOST_PAUSE_SECONDS)


def has_ended(job: m.JobView) -> bool:
    """Return whether a job will change no more.

    Raises:
        JobFailedError: It ended otherwise than by success.
    """
    if job.state == "succeeded":
        return True
    if job.state in ENDINGS or job.finished_at is not None:
        raise JobFailedError(job)
    return False


class WaitingJobs(Jobs):
    """Operations on `jobs`, and waiting for one."""

    def wait(
        self,
        job_id: str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[m.JobView], None] | None = None,
        cancel_on_timeout: bool = False,
    ) -> m.JobView:
        """Return a job once it has succeeded.

        Args:
            job_id: The job.
            timeout_seconds: How long to wait; for ever by default.
            on_progress: Is called with the job at each look. What it raises ends the waiting, and leaves the job alone.
            cancel_on_timeout: Whether the job is asked to stop when the time is over. Otherwise it goes on.

        Raises:
            JobFailedError: It failed, was cancelled, or is quarantined.
            JobTimeoutError: The time is over.
        """
        job = self._look(job_id, on_progress)
        for seconds in pause(timeout_seconds, self._caller.clock.now):
            if has_ended(job):
                return job
            self._caller.clock.sleep(seconds)
            job = self._look(job_id, on_progress)
        if has_ended(job):
            return job
        raise JobTimeoutError(self.cancel(job_id) if cancel_on_timeout else job)

    def _look(self, job_id: str, on_progress: Callable[[m.JobView], None] | None) -> m.JobView:
        job = self.get(job_id)
        if on_progress is not None:
            on_progress(job)
        return job


class AsyncWaitingJobs(AsyncJobs):
    """Operations on `jobs`, and waiting for one, async."""

    async def wait(
        self,
        job_id: str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[m.JobView], Awaitable[None]] | None = None,
        cancel_on_timeout: bool = False,
    ) -> m.JobView:
        """Return a job once it has succeeded, as `WaitingJobs.wait` does; a cancelled task leaves the job alone."""
        job = await self._look(job_id, on_progress)
        for seconds in pause(timeout_seconds, self._caller.clock.now):
            if has_ended(job):
                return job
            await self._caller.clock.sleep(seconds)
            job = await self._look(job_id, on_progress)
        if has_ended(job):
            return job
        raise JobTimeoutError(await self.cancel(job_id) if cancel_on_timeout else job)

    async def _look(self, job_id: str, on_progress: Callable[[m.JobView], Awaitable[None]] | None) -> m.JobView:
        job = await self.get(job_id)
        if on_progress is not None:
            await on_progress(job)
        return job
