"""A cache of values that are loaded from elsewhere, kept fresh for seconds, and served stale while their source is down."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock
from typing import Generic, TypeVar, cast

from presage.errors import PresageError, UnavailableError

RENEWALS = 4
"""Values of a cache that are renewed at once."""
MISSES_IN_A_ROW = 10
"""How often one value is renewed for misses in it before there is a pause between them."""
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
_LOG = logging.getLogger(__name__)
_THREAD = threading.local()


class WouldWaitError(Exception):
    """A value has to be loaded first, on a thread that must not wait. No error of the value's: on another thread it is there."""


def forbid_waiting() -> None:
    """Let no cache load anything on this thread from now on: `WouldWaitError` says that one would have to."""
    _THREAD.must_not_wait = True


def must_not_wait() -> bool:
    """Return whether waiting is forbidden to this thread."""
    return getattr(_THREAD, "must_not_wait", False)


def start_thread(work: Callable[[], None]) -> None:
    """Let the work be done in the background; a process that ends does not wait for it."""
    threading.Thread(target=work, name="load", daemon=True).start()


@dataclass(slots=True)
class _Slot(Generic[ValueT]):
    """`aged` and `due`: from when on the value is loaded again behind those who ask, and from when on they wait for it."""

    lock: Lock
    value: ValueT | None = None
    loaded: bool = False
    aged: float = 0.0
    due: float = 0.0
    renewable: float = 0.0
    used: int = 0
    error: PresageError | None = None


class FreshCache(Generic[KeyT, ValueT]):
    """Loads each key's value once and again when it is older than `ttl_seconds`; never under a lock that others' hits need.

    A value that is asked for in the second half of its time is loaded again in the background, so that steady callers never wait,
    however slow its source is. Otherwise one thread loads; meanwhile the others get the last value, or wait if there is none. The
    least recently used keys go when there are more than `capacity`.
    """

    def __init__(
        self,
        load: Callable[[KeyT], ValueT],
        *,
        ttl_seconds: float,
        retry_seconds: float = 1.0,
        capacity: int = 1_000,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        """Take the loader. An infinite `ttl_seconds` is for values that never change; `start` runs what is done in the background.

        A failed load is not tried again for `retry_seconds`, so that requests do not queue up behind a dead source.
        """
        self._load = load
        self._ttl_seconds = ttl_seconds
        self._retry_seconds = retry_seconds
        self._capacity = capacity
        self._clock = clock
        self._start = start
        self._renewals = threading.Semaphore(RENEWALS)
        self._slots: dict[KeyT, _Slot[ValueT]] = {}
        self._uses = itertools.count()
        self._lock = Lock()

    def get(self, key: KeyT) -> ValueT:
        """Return the value: fresh, or the last one when its source is unavailable.

        Raises:
            PresageError: What the loader raised, when there is no last value.
            WouldWaitError: The value is due, nobody is loading it, and this thread must not.
        """
        slot = self._slots.get(key) or self._add_slot(key)
        slot.used = next(self._uses)
        now = self._clock()
        if now < slot.aged:
            return self._answer(slot)
        if slot.loaded and now < slot.due:
            self._refresh_behind(key, slot)
            return self._answer(slot)
        if must_not_wait():
            return self._answer_without_waiting(slot)
        if slot.lock.acquire(blocking=not slot.loaded):
            try:
                if self._clock() >= slot.due:
                    self._refresh(key, slot)
            finally:
                slot.lock.release()
        return self._answer(slot)

    def _answer_without_waiting(self, slot: _Slot[ValueT]) -> ValueT:
        if slot.loaded and slot.lock.locked():
            return self._answer(slot)
        raise WouldWaitError

    def renew(self, key: KeyT) -> ValueT:
        """Return the value loaded anew: for who misses in it what may be new.

        `MISSES_IN_A_ROW` times at once, then once in `retry_seconds` (a bucket of tokens), and after a failure not before these are
        over; else as `get` does.

        Raises:
            PresageError: As for `get`.
            WouldWaitError: As for `get`.
        """
        slot = self._slots.get(key)
        if slot is not None and self._is_renewable(slot):
            if must_not_wait():
                raise WouldWaitError
            with slot.lock:
                if self._is_renewable(slot):
                    slot.renewable = max(slot.renewable, self._clock()) + self._retry_seconds
                    self._refresh(key, slot)
        return self.get(key)

    def _is_renewable(self, slot: _Slot[ValueT]) -> bool:
        now = self._clock()
        return now >= slot.renewable - (MISSES_IN_A_ROW - 1) * self._retry_seconds and (slot.error is None or now >= slot.aged)

    def find(self, key: KeyT) -> ValueT | None:
        """Return the value if it is loaded, fresh or not; loads nothing and counts as no use."""
        slot = self._slots.get(key)
        return slot.value if slot is not None and slot.loaded else None

    def shrink(self, limit: int, weigh: Callable[[ValueT], int]) -> None:
        """Drop the least recently used of the loaded values until the others weigh at most `limit` together."""
        with self._lock:
            loaded = [(slot.used, key, weigh(cast("ValueT", slot.value))) for key, slot in self._slots.items() if slot.loaded]
            excess = sum(weight for _, _, weight in loaded) - limit
            for _, key, weight in sorted(loaded, key=itemgetter(0)):
                if excess <= 0:
                    return
                del self._slots[key]
                excess -= weight

    def _add_slot(self, key: KeyT) -> _Slot[ValueT]:
        with self._lock:
            if key not in self._slots and len(self._slots) >= self._capacity:
                del self._slots[min(self._slots, key=lambda known: self._slots[known].used)]
            return self._slots.setdefault(key, _Slot(Lock(), used=next(self._uses)))

    def _refresh_behind(self, key: KeyT, slot: _Slot[ValueT]) -> None:
        """Load the value again in the background, unless somebody does or too many others are being loaded."""
        if not slot.lock.acquire(blocking=False):
            return
        if not self._renewals.acquire(blocking=False):
            slot.lock.release()
            return

        def work() -> None:
            try:
                self._refresh(key, slot)
            finally:
                self._renewals.release()
                slot.lock.release()

        try:
            self._start(work)
        except RuntimeError as error:  # no thread is to be had: the value is still good, and who asks next tries again
            self._renewals.release()
            slot.lock.release()
            _LOG.warning("a value is not renewed: %s", error)

    def _refresh(self, key: KeyT, slot: _Slot[ValueT]) -> None:
        try:
            value = self._load(key)
        except UnavailableError as error:
            slot.error, slot.aged = error, self._clock() + self._retry_seconds
            slot.due = slot.aged + (self._ttl_seconds if slot.loaded else 0.0)
            if slot.loaded:
                _LOG.warning("serving the last known value: %s", error)
        except PresageError as error:
            slot.error, slot.loaded = error, False
            slot.aged = slot.due = self._clock() + self._retry_seconds
        else:
            now = self._clock()
            slot.value, slot.error, slot.loaded = value, None, True
            slot.aged, slot.due = now + self._ttl_seconds / 2, now + self._ttl_seconds

    @staticmethod
    def _answer(slot: _Slot[ValueT]) -> ValueT:
        if slot.loaded:
            return cast("ValueT", slot.value)
        if slot.error is None:
            raise UnavailableError("The value is being loaded")
        raise slot.error.with_traceback(None)
