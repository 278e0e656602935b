"""The most memory that this process has had at once. Not `ru_maxrss`, which starts at that of the process it was started by."""

from __future__ import annotations

from pathlib import Path


def read_peak_mib() -> float:
    """Return the peak of the resident set since the program began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
