"""Writes records of a dataset in batches, from a thread of its own."""

import atexit
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from msgspec import UNSET, UnsetType

from presage_client import operations as o
from presage_client import public_models as p
from presage_client.caller import Caller
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

OnRefused = Callable[[Sequence[Refusal]], None]


class RecordWriter:
    """Takes records one by one, from any thread, and sends them in batches; made by `Client.record_writer`.

    Every record is accepted, known already, or told: to `on_refused`, or else by the `RecordsRefusedError` that the next `write`, `flush`
    or `close` raises. Use it in a `with`, or call `close`: one that is forgotten is closed when the interpreter ends, with a warning.
    """

    def __init__(
        self, caller: Caller, dataset: str, *, batching: Batching, policy: RetryPolicy | None = None, on_refused: OnRefused | None = None
    ) -> None:
        self._caller, self._dataset, self._policy, self._on_refused = caller, dataset, policy or PERSISTENT, on_refused
        self._waiting = Waiting(batching)
        self._changed = threading.Condition()
        self._refusals: list[Refusal] = []
        self._failure: Exception | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=f"presage records of {dataset}", daemon=True)
        self._thread.start()
        atexit.register(self._close_forgotten)

    def write(
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
        self.write_record(build_record(entity_id, event_timestamp, values, record_id=record_id, known_timestamp=known_timestamp))

    def write_record(self, record: p.Record, *, timeout_seconds: float | None = None) -> None:
        """Take a record, as `write` does.

        Raises:
            WriterTimeoutError: There was no room for it in time. It was not taken.
        """
        content = encode_record(record, self._waiting.batching)
        inside = self._is_inside()  # if it waited for room, nobody would make any
        with self._changed:
            self._await(lambda: inside or self._waiting.has_room(content), timeout_seconds)
            if self._is_closed and not inside:
                raise ValueError("the writer is closed")
            self._waiting.put(content, now=self._caller.clock.now())
            self._changed.notify_all()

    def flush(self, *, timeout_seconds: float | None = None) -> None:
        """Return when all that was written so far is settled. Not for `on_refused`, which it would wait for.

        Raises:
            RecordsRefusedError: Records were not taken.
            WriterTimeoutError: Time was over first. The rest is still being sent.
        """
        if self._is_inside():
            raise ValueError("`on_refused` cannot flush: it is called by the thread that sends")
        with self._changed:
            until = self._waiting.flush()
            self._changed.notify_all()
            self._await(lambda: self._waiting.settled >= until, timeout_seconds)

    def close(self, *, timeout_seconds: float | None = None) -> None:
        """Flush, take nothing more, and end the thread. Raises what `flush` raises."""
        with self._changed:
            self._is_closed = True
        try:
            self.flush(timeout_seconds=timeout_seconds)
            while self._waiting.settled < self._waiting.written:  # `on_refused` wrote again
                self.flush(timeout_seconds=timeout_seconds)
        finally:
            if self._waiting.settled == self._waiting.written:
                self._thread.join()
                atexit.unregister(self._close_forgotten)

    def list_unsettled(self) -> list[p.Record]:
        """Return the records that are not settled, such as after a time-out."""
        with self._changed:
            return self._waiting.list_records()

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it; what was written is sent also after an error."""
        self.close()

    def _is_inside(self) -> bool:
        """Return whether `on_refused` is calling."""
        return threading.current_thread() is self._thread

    def _await(self, is_so: Callable[[], bool], timeout_seconds: float | None) -> None:
        """Wait until it is so or there is something to raise; the lock is held."""
        done = self._changed.wait_for(lambda: self._refusals or self._failure or is_so(), timeout_seconds)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._refusals:
            refusals, self._refusals = self._refusals, []
            raise RecordsRefusedError(refusals)
        if not done:
            waiting = self._waiting.written - self._waiting.settled
            raise WriterTimeoutError(f"{waiting} records of {self._dataset} are not settled after {timeout_seconds} s")

    def _run(self) -> None:
        while batch := self._take():
            refusals = self._send(batch)
            if refusals and self._on_refused is not None:
                self._tell(self._on_refused, refusals)
                refusals = []
            with self._changed:
                self._refusals += refusals
                self._waiting.settle()
                self._changed.notify_all()

    def _take(self) -> list[bytes]:
        """Return the next batch once it is due; nothing once the writer is closed and all is sent."""
        with self._changed:
            while (seconds := self._waiting.find_seconds_until_due(self._caller.clock.now())) != 0:
                if self._is_closed and seconds is None:
                    return []
                self._changed.wait(seconds)
            return self._waiting.take()

    def _send(self, batch: list[bytes]) -> list[Refusal]:
        try:
            answer = self._caller.call(o.PUBLIC_SEND_RECORDS, build_arguments(self._dataset, batch), policy=self._policy)
        except Exception as error:  # noqa: BLE001 - such as a client that was closed: a thread that ended would lose all that follows
            return refuse_batch(batch, error)
        return list_refusals(batch, answer.results)

    def _tell(self, on_refused: OnRefused, refusals: list[Refusal]) -> None:
        try:
            on_refused(refusals)
        except Exception as error:  # noqa: BLE001 - the caller's own: it is raised where the caller is
            with self._changed:
                self._failure = error

    def _close_forgotten(self) -> None:
        warnings.warn(f"the writer of {self._dataset} was not closed", ResourceWarning, stacklevel=2)
        self.close()
