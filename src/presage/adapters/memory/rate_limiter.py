"""Calls counted in a dictionary."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from presage.tenancy.rate_limit import RateLimit, RateVerdict, judge_call


class MemoryRateLimiter:
    """`RateLimiter` of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with nothing counted."""
        self._clock = clock
        self._arrivals: dict[str, float] = {}
        self._lock = Lock()

    def take(self, key: str, limit: RateLimit) -> RateVerdict:
        """Return whether the key's call may go on, and count it if so."""
        with self._lock:
            verdict, self._arrivals[key] = judge_call(self._arrivals.get(key, 0.0), limit, now=self._clock())
        return verdict
