"""What it takes to run one long-lived process, whoever supervises it."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    """Return `preferred` if nobody listens there on loopback or has reserved it, else a port of which that holds."""
    for port in (*([] if preferred is None else [preferred]), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            chosen: int = probe.getsockname()[1]
            return chosen
    raise StartError("no loopback port is free")


@contextlib.contextmanager
def reserved(ports: Iterable[int]) -> Iterator[None]:
    """Keep other launchers off ports on which programs of this one will listen.

    Linux lets a server bind a port that others hold with SO_REUSEADDR without listening; `free_port` passes such a port over.
    """
    with contextlib.ExitStack() as held:
        for port in ports:
            holder = held.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):  # its program listens already
                holder.bind(("127.0.0.1", port))
        yield


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
