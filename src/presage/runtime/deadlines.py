"""Time limits of what many tasks of an event loop wait for, without a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

ValueT = TypeVar("ValueT")


class Deadlines:
    """Lets tasks wait for `seconds`, and a quarter of that longer at most: they are looked through that often."""

    def __init__(self, seconds: float) -> None:
        """Start with nobody waiting."""
        self._seconds = seconds
        self._waiting: dict[asyncio.Task[object], float] = {}

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look through those who wait from now on, for as long as the loop runs."""
        now = loop.time()
        for task, due in tuple(self._waiting.items()):
            if due < now:
                del self._waiting[task]
                task.cancel()
        loop.call_later(self._seconds / 4, self.watch, loop)

    async def wait(self, awaited: Awaitable[ValueT]) -> ValueT:
        """Return what is awaited, or raise `TimeoutError`."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        self._waiting[task] = task.get_loop().time() + self._seconds
        try:
            return await awaited
        except asyncio.CancelledError as error:
            if task in self._waiting:
                raise  # somebody else's cancellation
            task.uncancel()
            raise TimeoutError(f"more than {self._seconds} s") from error
        finally:
            self._waiting.pop(task, None)
