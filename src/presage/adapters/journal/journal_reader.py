"""Reads the journal's segments: those of living processes as they grow, those of dead ones to their end, torn or not."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from presage.adapters.journal.frames import HEADER_BYTES, Frames, read_appended_at, read_frames
from presage.adapters.journal.segments import is_sealed, list_segments, measure_segments, remove_unfinished
from presage.predictions.ports import Backlog, JournalCall

CLAIM = "claim"
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """How far a segment is confirmed, and how far the last `read` went."""

    confirmed: int = 0
    read: int = 0


class FileJournalReader:
    """`JournalReader` of a folder. Progress is in memory: after a crash unfinished segments are read again from their start."""

    def __init__(self, folder: Path) -> None:
        """Read below `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._claim: int | None = None
        self._progress: dict[Path, _Progress] = {}
        self._damaged = 0

    def claim(self) -> bool:
        """Return whether this process has the folder's lock; the kernel gives it back when the process ends."""
        if self._claim is not None:
            return True
        file = os.open(self._folder / CLAIM, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._claim = file
        remove_unfinished(self._folder)
        return True

    def close(self) -> None:
        """Give the folder's lock back."""
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def read(self, *, max_bytes: int) -> Sequence[JournalCall]:
        """Return unconfirmed calls, the oldest segment's first. Segments that are done with are removed on the way."""
        calls: list[JournalCall] = []
        for progress in self._progress.values():
            progress.read = progress.confirmed
        left = max_bytes
        for path in list_segments(self._folder):
            if left <= 0:
                break
            progress = self._progress.setdefault(path, _Progress())
            calls += self._read_segment(path, progress, left)
            left = max_bytes - sum(each.read - each.confirmed for each in self._progress.values())
        return calls

    def confirm(self) -> None:
        """Forget what the last `read` returned."""
        for progress in self._progress.values():
            progress.confirmed = progress.read

    def measure(self) -> Backlog:
        """Return what waits; the oldest call is the first one of the oldest segment that holds any."""
        confirmed = sum(progress.confirmed for progress in self._progress.values())
        unshipped_bytes = max(0, measure_segments(self._folder) - confirmed)
        heads = (self._read_head(path) for path in list_segments(self._folder)) if unshipped_bytes else ()
        oldest = next((read_appended_at(head) for head in heads if len(head) == HEADER_BYTES), None)
        return Backlog(unshipped_bytes, oldest, self._damaged)

    def _read_head(self, path: Path) -> bytes:
        progress = self._progress.get(path)
        try:
            with path.open("rb", buffering=0) as file:
                return os.pread(file.fileno(), HEADER_BYTES, progress.confirmed if progress else 0)
        except FileNotFoundError:  # another process reads, and is done with it
            return b""

    def _read_segment(self, path: Path, progress: _Progress, max_bytes: int) -> Sequence[JournalCall]:
        file = os.open(path, os.O_RDONLY)
        try:
            sealed = is_sealed(file)  # before the size is taken: what is appended in between is then read another time
            size = os.fstat(file).st_size
            frames = self._read_frames(file, progress.confirmed, at_most=max_bytes, there=size - progress.confirmed)
            progress.read = progress.confirmed + frames.size_bytes
            if sealed and not frames.calls:
                self._finish(path, progress, frames, size)
            return frames.calls
        finally:
            os.close(file)

    def _read_frames(self, file: int, start: int, *, at_most: int, there: int) -> Frames:
        """Return the frames from `start` in about `at_most` bytes, more if the first frame is longer; `there` are in the file."""
        wanted = min(max(at_most, HEADER_BYTES), there)
        frames = read_frames(os.pread(file, wanted, start))
        while not frames.calls and frames.fault == "torn" and wanted < frames.next_bytes <= there:
            wanted = frames.next_bytes
            frames = read_frames(os.pread(file, wanted, start))
        return frames

    def _finish(self, path: Path, progress: _Progress, frames: Frames, size: int) -> None:
        """Remove a segment of which everything is confirmed; skip a damaged frame, or a tail that its writer did not finish."""
        left = size - progress.confirmed
        if left:
            self._damaged += 1
            skipped = min(left, frames.next_bytes)
            _LOG.error("%s: %d bytes at %d are %s, and are skipped", path.name, skipped, progress.confirmed, frames.fault)
        if left and frames.fault == "damaged":
            progress.confirmed = progress.read = progress.confirmed + frames.next_bytes
            return
        path.unlink()
        del self._progress[path]
