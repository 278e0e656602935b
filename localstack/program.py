"""What it takes to run one long-lived process, whoever supervises it."""

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class StartError(RuntimeError):
    """A process of the local stack did not become ready; the message says where its log is."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A process to run: its whole environment is given, nothing is inherited."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path
    user: str | None = None
    stop_seconds: int = 20
    stop_signal: str = "TERM"
    stops_group: bool = False
    """Whether the signal goes to its whole process group: for a program that leaves its children to find out by themselves."""
    is_ready: Callable[[], bool]


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if nothing listens there on loopback, else a free port."""
    if preferred is not None and not is_listening(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Return whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str, is_alive: Callable[[], bool] = lambda: True) -> None:
    """Return once `condition` holds.

    Raises:
        StartError: It did not hold within `seconds`, or the process ended before.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if not is_alive():
            raise StartError(f"{what} ended before it was ready")
        if time.monotonic() > deadline:
            raise StartError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(0.1)
