"""The prediction journal in local files: an append is one write, and what was written outlives the process."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import NoReturn

from presage.adapters.journal.frames import build_frame
from presage.adapters.journal.segments import create_segment, measure_segments
from presage.errors import JournalFullError, UnavailableError
from presage.predictions.blocks import Block
from presage.predictions.messages import encode_call
from presage.predictions.ports import PredictionLogEntry

CAPACITY_BYTES = 1 << 30
"""Of all processes together: 145,000 predictions of 30 features are 0.25 GiB. A task has 20 GiB of disk."""
SEGMENT_BYTES = 4 << 20
AGED_SECONDS, AGED_BYTES = 1.0, 256 << 10
"""A segment is left at `SEGMENT_BYTES`, or when it is that old and that large: a new shipper sends little again, and files stay few."""
MEASURE_SECONDS = 0.1
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FilePredictionJournal:
    """`PredictionJournal` of one process in a folder that several share; `refused` counts the calls for which there was no room."""

    def __init__(self, folder: Path, *, capacity_bytes: int = CAPACITY_BYTES, clock: Callable[[], float] = time.time) -> None:
        """Append below `folder`, which is made; a segment is made at the first append, so that a fork before shares none."""
        folder.mkdir(parents=True, exist_ok=True)
        self.refused = 0
        self._folder = folder
        self._capacity_bytes = capacity_bytes
        self._clock = clock
        self._lock = Lock()
        self._file: int | None = None
        self._size_bytes = 0
        self._opened_at = 0.0
        self._full_until = 0.0

    def append(self, entries: Sequence[PredictionLogEntry], blocks: Sequence[Block] = ()) -> None:
        """Return once they are with the kernel, which keeps them whatever becomes of this process.

        Raises:
            UnavailableError: The disk failed; nothing was kept.
            JournalFullError: The disk is full, or `capacity_bytes` wait in the folder; nothing was kept.
        """
        now = self._clock()
        frame = build_frame(encode_call(entries, blocks), now)
        with self._lock:
            file = self._file
            if file is None or self._is_due(now):
                file = self._open_next(now)
            try:
                written = os.write(file, frame)
            except OSError as error:
                self._refuse(error)
            if written < len(frame):
                self._refuse(OSError(errno.ENOSPC, f"{written} of {len(frame)} bytes were written"))
            self._size_bytes += written

    def close(self) -> None:
        """Leave the segment to the reader. Appending again begins another one."""
        with self._lock:
            self._leave()

    def _is_due(self, now: float) -> bool:
        size = self._size_bytes
        return size >= SEGMENT_BYTES or (size >= AGED_BYTES and now - self._opened_at > AGED_SECONDS)

    def _open_next(self, now: float) -> int:
        """Begin a segment, if there is room: here, not at every append, the bytes of all processes are looked at."""
        self._leave()
        if now < self._full_until or measure_segments(self._folder) >= self._capacity_bytes:
            self.refused += 1
            if now >= self._full_until:
                self._full_until = now + MEASURE_SECONDS
            raise JournalFullError(f"{self._capacity_bytes} bytes wait in {self._folder} to be handed over")
        try:
            self._file, _ = create_segment(self._folder)
        except OSError as error:
            self._refuse(error)
        self._size_bytes, self._opened_at = 0, now
        return self._file

    def _refuse(self, error: OSError) -> NoReturn:
        """Take back what was written of the frame, so that what others appended stays readable, and raise."""
        if self._file is not None:
            try:
                os.ftruncate(self._file, self._size_bytes)
            except OSError:
                self._leave()  # the reader finds a torn tail in it, and skips that
        if error.errno in _FULL:
            self.refused += 1
            raise JournalFullError(f"the disk below {self._folder} is full") from error
        raise UnavailableError(f"{self._folder} cannot be written to: {error}") from error

    def _leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
