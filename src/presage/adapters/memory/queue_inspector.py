"""The queues between the services as lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from presage.errors import UnavailableError
from presage.jobs.model import QueueDepth


@dataclass
class MemoryQueue:
    """Bodies of messages: those that wait and those that nobody could process."""

    waiting: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)


class MemoryQueueInspector:
    """`QueueInspector` for tests. `queues` is public; while `is_down` is true none answers."""

    def __init__(self, *names: str) -> None:
        self.queues = {name: MemoryQueue() for name in names or ("jobs",)}
        self.is_down = False

    def list_queues(self) -> Sequence[QueueDepth]:
        """Return how full each one is, in the order of their names; nothing is ever in flight."""
        self._require()
        return [QueueDepth(name, len(each.waiting), 0, len(each.dead_letters)) for name, each in sorted(self.queues.items())]

    def redrive_jobs(self, *, limit: int) -> int:
        """Put dead letters of the jobs queue back on it, at most `limit`, and return how many."""
        self._require()
        jobs = self.queues["jobs"]
        moved, jobs.dead_letters = jobs.dead_letters[:limit], jobs.dead_letters[limit:]
        jobs.waiting += moved
        return len(moved)

    def _require(self) -> None:
        if self.is_down:
            raise UnavailableError("The queues are down")
