"""The files of the journal: a process appends to one segment at a time, and holds a lock on it for as long as it may.

The kernel gives the lock back when the process ends, however it ends. So whoever gets a segment's lock knows that nobody will
append to it any more: no process ids are compared, and none are mistaken when the system uses them again.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from pathlib import Path

SUFFIX = ".segment"
_CREATING = ".creating"
_CREATING_SECONDS = 60.0


def create_segment(folder: Path) -> tuple[int, Path]:
    """Return a new segment, open for appending and locked, and its path. Names sort by age."""
    name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
    hidden, path = folder / f"{name}{_CREATING}", folder / f"{name}{SUFFIX}"
    file = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        hidden.rename(path)
    except OSError:
        os.close(file)
        raise
    return file, path


def list_segments(folder: Path) -> list[Path]:
    """Return all segments, the oldest first."""
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found if entry.name.endswith(SUFFIX))
    return [folder / name for name in names]


def measure_segments(folder: Path) -> int:
    """Return the bytes of all segments of all processes."""
    total = 0
    with os.scandir(folder) as found:
        for entry in found:
            try:
                total += entry.stat().st_size
            except FileNotFoundError:  # confirmed and gone meanwhile
                continue
    return total


def is_sealed(file: int) -> bool:
    """Return whether nobody can append to the open segment any more."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def remove_unfinished(folder: Path) -> None:
    """Remove what processes left that ended while they made a segment; nothing was ever appended to it."""
    for path in folder.glob(f"*{_CREATING}"):
        if time.time() - path.stat().st_mtime > _CREATING_SECONDS:
            path.unlink(missing_ok=True)
