"""What a server's processes use, read from /proc: the server is measured with all of its children."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_KIB = 1024


@dataclass(frozen=True)
class Usage:
    """CPU time since the processes began, and the memory they hold now. Of mapped files each process counts what it touched."""

    cpu_seconds: float
    resident_bytes: int
    anonymous_bytes: int
    processes: int


def list_tree(root: int) -> list[int]:
    """Return the process and all that descend from it, children after their parents."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _read_stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    tree = [root]
    for process in tree:
        tree.extend(children.get(process, ()))
    return tree


def measure(root: int) -> Usage:
    """Return what the tree has used; children that ended and were waited for are in their parent's time."""
    processes = [(fields, process) for process in list_tree(root) if (fields := _read_stat(process))]
    ticks = sum(sum(map(int, fields[11:15])) for fields, _ in processes)
    memory = [_read_memory(process) for _, process in processes]
    return Usage(ticks / _TICKS_A_SECOND, sum(found[0] for found in memory), sum(found[1] for found in memory), len(processes))


def read_machine_seconds() -> float:
    """Return the CPU time that the whole machine has spent on anything but idling."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    ticks = [int(field) for field in fields[:8]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICKS_A_SECOND


def _read_stat(process: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the state on, or None if it has ended."""
    try:
        return Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _read_memory(process: int) -> tuple[int, int]:
    try:
        lines = Path("/proc", str(process), "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    kib = {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "RssAnon"))}
    return kib.get("VmRSS", 0) * _KIB, kib.get("RssAnon", 0) * _KIB
