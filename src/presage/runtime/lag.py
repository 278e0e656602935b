"""How late an event loop is: what a request waits before it is looked at."""

from __future__ import annotations

import asyncio

LOOK_SECONDS = 0.05


class LoopLag:
    """The delay of a timer on the loop, in seconds, looked at every `LOOK_SECONDS`."""

    def __init__(self) -> None:
        """Start on time."""
        self.seconds = 0.0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look from now on, for as long as the loop runs."""
        self._schedule(loop)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(LOOK_SECONDS, self._look, loop, loop.time() + LOOK_SECONDS)

    def _look(self, loop: asyncio.AbstractEventLoop, expected: float) -> None:
        self.seconds = max(0.0, loop.time() - expected)
        self._schedule(loop)
