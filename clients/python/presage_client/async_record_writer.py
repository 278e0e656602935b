"""Writes records of a dataset in batches, from a task of its own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import anyio
from msgspec import UNSET, UnsetType

from presage_client import operations as o
from presage_client import public_models as p
from presage_client.caller import AsyncCaller
from presage_client.errors import RecordsRefusedError, WriterTimeoutError
from presage_client.flow import RetryPolicy
from presage_client.records import (
    PERSISTENT,
    Batching,
    Refusal,
    Value,
    Waiting,
    build_arguments,
    build_record,
    encode_record,
    list_refusals,
    refuse_batch,
)

OnRefused = Callable[[Sequence[Refusal]], Awaitable[None]]


class AsyncRecordWriter:
    """Takes records one by one, from any task, and sends them in batches; made by `AsyncClient.record_writer`, used in an `async with`.

    Every record is accepted, known already, or told: to `on_refused`, or else by the `RecordsRefusedError` that the next `write`, `flush`
    or the end of the `async with` raises. After a cancellation `list_unsettled` has what may not have arrived.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        dataset: str,
        *,
        batching: Batching,
        policy: RetryPolicy | None = None,
        on_refused: OnRefused | None = None,
    ) -> None:
        self._caller, self._dataset, self._policy, self._on_refused = caller, dataset, policy or PERSISTENT, on_refused
        self._waiting = Waiting(batching)
        self._changed = anyio.Event()
        self._refusals: list[Refusal] = []
        self._failure: Exception | None = None
        self._is_open = False
        self._task_id: int | None = None
        self._tasks = anyio.create_task_group()

    async def write(
        self,
        *,
        entity_id: str,
        event_timestamp: datetime,
        values: Mapping[str, Value],
        record_id: str | UnsetType = UNSET,
        known_timestamp: datetime | UnsetType = UNSET,
    ) -> None:
        """Take a record; wait while as many bytes as may wait do.

        Raises:
            ValueError: It cannot be sent. Nothing was taken.
            RecordsRefusedError: Earlier records were not taken. This one was not either; write it again.
        """
        await self.write_record(build_record(entity_id, event_timestamp, values, record_id=record_id, known_timestamp=known_timestamp))

    async def write_record(self, record: p.Record, *, timeout_seconds: float | None = None) -> None:
        """Take a record, as `write` does.

        Raises:
            WriterTimeoutError: There was no room for it in time. It was not taken.
        """
        content = encode_record(record, self._waiting.batching)
        inside = self._is_inside()  # if it waited for room, nobody would make any
        await self._await(lambda: inside or self._waiting.has_room(content), timeout_seconds)
        if not self._is_open and not inside:
            raise ValueError("the writer is not open: use it in an `async with`")
        self._waiting.put(content, now=self._caller.clock.now())
        self._notify()

    async def flush(self, *, timeout_seconds: float | None = None) -> None:
        """Return when all that was written so far is settled. Not for `on_refused`, which it would wait for.

        Raises:
            RecordsRefusedError: Records were not taken.
            WriterTimeoutError: Time was over first. The rest is still being sent.
        """
        if self._is_inside():
            raise ValueError("`on_refused` cannot flush: it is called by the task that sends")
        until = self._waiting.flush()
        self._notify()
        await self._await(lambda: self._waiting.settled >= until, timeout_seconds)

    def list_unsettled(self) -> list[p.Record]:
        """Return the records that are not settled, such as after a cancellation."""
        return self._waiting.list_records()

    async def __aenter__(self) -> Self:
        """Start the task that sends, and return the writer."""
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._run)
        self._is_open = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Flush and end the task; what was written is sent also after an error, but not after a cancellation."""
        self._is_open = False
        try:
            await self.flush()
            while self._waiting.settled < self._waiting.written:  # `on_refused` wrote again
                await self.flush()
        finally:
            self._tasks.cancel_scope.cancel()
            await self._tasks.__aexit__(None, None, None)

    def _is_inside(self) -> bool:
        """Return whether `on_refused` is calling."""
        return anyio.get_current_task().id == self._task_id

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _await(self, is_so: Callable[[], bool], timeout_seconds: float | None) -> None:
        """Wait until it is so or there is something to raise."""
        with anyio.move_on_after(timeout_seconds):
            while not (self._refusals or self._failure or is_so()):
                await self._changed.wait()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._refusals:
            refusals, self._refusals = self._refusals, []
            raise RecordsRefusedError(refusals)
        if not is_so():
            waiting = self._waiting.written - self._waiting.settled
            raise WriterTimeoutError(f"{waiting} records of {self._dataset} are not settled after {timeout_seconds} s")

    async def _run(self) -> None:
        self._task_id = anyio.get_current_task().id
        while True:
            await self._await_due()
            batch = self._waiting.take()
            refusals = await self._send(batch)
            if refusals and self._on_refused is not None:
                await self._tell(self._on_refused, refusals)
                refusals = []
            self._refusals += refusals
            self._waiting.settle()
            self._notify()

    async def _await_due(self) -> None:
        while (seconds := self._waiting.find_seconds_until_due(self._caller.clock.now())) != 0:
            with anyio.move_on_after(seconds):
                await self._changed.wait()

    async def _send(self, batch: list[bytes]) -> list[Refusal]:
        try:
            answer = await self._caller.call(o.PUBLIC_SEND_RECORDS, build_arguments(self._dataset, batch), policy=self._policy)
        except Exception as error:  # noqa: BLE001 - such as a client that was closed: a task that ended would lose all that follows
            return refuse_batch(batch, error)
        return list_refusals(batch, answer.results)

    async def _tell(self, on_refused: OnRefused, refusals: list[Refusal]) -> None:
        try:
            await on_refused(refusals)
        except Exception as error:  # noqa: BLE001 - the caller's own: it is raised where the caller is
            self._failure = error
