"""Time limits without a timer for each."""

import asyncio

import pytest

from presage.runtime.deadlines import Deadlines


async def answer(after: float) -> str:
    await asyncio.sleep(after)
    return "there"


def run(seconds: float, after: float, *, cancel_after: float | None = None) -> str:
    async def wait() -> str:
        deadlines, loop = Deadlines(seconds), asyncio.get_running_loop()
        deadlines.watch(loop)
        task = asyncio.create_task(deadlines.wait(answer(after)))
        if cancel_after is not None:
            loop.call_later(cancel_after, task.cancel)
        return await task

    return asyncio.run(wait())


def test_what_arrives_in_time_is_returned() -> None:
    assert run(5, 0.01) == "there"


def test_what_does_not_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        run(0.05, 5)


def test_a_cancellation_stays_one() -> None:
    with pytest.raises(asyncio.CancelledError):
        run(5, 5, cancel_after=0.01)
