"""Priority on a shared machine: servers and load get it alike, so that strangers distort figures less."""

from __future__ import annotations

import os
from pathlib import Path


def take_priority(nice: int) -> None:
    """Give this process, and what it starts, a nice value; negative ones need root."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    pass_priority_on(os.getpid())


def pass_priority_on(process: int) -> None:
    """Give the session of `process` this process's nice value: Linux may share the CPU by session first (autogroups), by process then."""
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    group = Path("/proc", str(process), "autogroup")
    if nice and group.exists():
        group.write_text(str(nice))
