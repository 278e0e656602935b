"""Calls counted in a file that all workers of a task map into their memory."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from presage.tenancy.rate_limit import RateLimit, RateVerdict, judge_call

SLOTS = 1 << 16
PROBES = 8
_CELL_BYTES = 8


class SharedRateLimiter:
    """`RateLimiter` over processes. A slot is two cells of 8 bytes: which key it counts, and its theoretical arrival time.

    The file is locked while a call is counted: by the kernel, which lets go of it when a worker dies. Without, a worker that loses
    its core between reading and writing would undo what the others counted meanwhile. Where all slots that a key may have are
    taken, it gets the one that was idle longest, whose key by then has all its calls back.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Map the file at `path`, made when it is not there. `clock` is shared by all processes and may not go back."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, SLOTS * 2 * _CELL_BYTES)
        mapped = memoryview(mmap.mmap(self._file, SLOTS * 2 * _CELL_BYTES))
        self._keys = mapped[: SLOTS * _CELL_BYTES].cast("Q")
        self._arrivals = mapped[SLOTS * _CELL_BYTES :].cast("d")
        self._clock = clock
        self._slots: dict[str, tuple[int, int]] = {}
        self._threads = Lock()

    def take(self, key: str, limit: RateLimit) -> RateVerdict:
        """Return whether the key's call may go on, and count it if so."""
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                digest, slot = self._slots.get(key) or self._claim(key)
                if self._keys[slot] != digest:  # another key was given the slot meanwhile
                    digest, slot = self._claim(key)
                verdict, self._arrivals[slot] = judge_call(self._arrivals[slot], limit, now=self._clock())
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        return verdict

    def _claim(self, key: str) -> tuple[int, int]:
        digest = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little") or 1
        places = [(digest + step) % SLOTS for step in range(PROBES)]
        slot = next((place for place in places if self._keys[place] == digest), None)
        if slot is None:
            slot = min(places, key=lambda place: self._arrivals[place] if self._keys[place] else -1.0)
            self._keys[slot], self._arrivals[slot] = digest, 0.0
        if len(self._slots) >= SLOTS:
            self._slots.clear()
        self._slots[key] = digest, slot
        return digest, slot
