"""Sheds load before latency collapses: a request is refused when those before it would keep it waiting too long."""

from __future__ import annotations

from threading import Lock

from presage.errors import OverloadedError

SMOOTHING = 0.05


class Admission:
    """The requests that a pool of threads has, and the processor time that one takes.

    A process computes on about one core, so a request waits about as long as those before it compute. Beyond `max_wait_seconds` of that,
    or `max_running` requests, it is refused at once: an answer that comes too late costs as much as one in time.
    """

    def __init__(self, *, max_wait_seconds: float, max_running: int) -> None:
        """Start idle."""
        self._max_wait_seconds = max_wait_seconds
        self._max_running = max_running
        self._seconds = 0.0
        self._lock = Lock()
        self.running = 0
        self.refused = 0

    def enter(self) -> None:
        """Count a request in, or raise `OverloadedError`."""
        with self._lock:
            running = self.running
            if running >= self._max_running or (running and running * self._seconds > self._max_wait_seconds):
                self.refused += 1
                raise OverloadedError("The service has more to do than it can do in time; try again.")
            self.running = running + 1

    def leave(self, seconds: float) -> None:
        """Count a request out that computed for so long."""
        with self._lock:
            self.running -= 1
            self._seconds += SMOOTHING * (seconds - self._seconds)
