"""An access log of sums, for a route that answers too often for a line a request."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from threading import Lock

from presage.runtime.observability import with_fields

_LOG = logging.getLogger("presage.http")


class Traffic:
    """Durations of a route's answers by status; a line a status is logged every `every_seconds` of traffic, and at the end."""

    def __init__(self, route: str, *, every_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing counted."""
        self._route = route
        self._every_seconds = every_seconds
        self._clock = clock
        self._due = clock() + every_seconds
        self._seconds: dict[int, list[float]] = defaultdict(list)
        self._lock = Lock()

    def note(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self._seconds[status].append(seconds)
        if self._clock() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Log what was counted since the last line."""
        with self._lock:
            counted, self._seconds = self._seconds, defaultdict(list)
            self._due = self._clock() + self._every_seconds
        for status, seconds in sorted(counted.items()):
            ordered = sorted(seconds)
            times = {
                f"{name}_ms": round(1000 * ordered[int(share * (len(ordered) - 1))], 3)
                for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            }
            _LOG.info("traffic", extra=with_fields({"route": self._route, "status": status, "count": len(ordered), **times}))
