"""The jobs queue as a list."""

from __future__ import annotations

from presage.errors import UnavailableError
from presage.jobs.model import Job


class MemoryJobQueue:
    """`JobQueue` for tests. `published` is public; while `is_down` is true nothing can be published."""

    def __init__(self) -> None:
        self.published: list[Job] = []
        self.is_down = False

    def publish_job(self, job: Job) -> None:
        """Append, or raise `UnavailableError` while the queue is down."""
        if self.is_down:
            raise UnavailableError("The jobs queue is down")
        self.published.append(job)
