"""A server under measurement: how it is started, asked, and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import getpid
from pathlib import Path

from benchmarks.load import Check, Load, MeasurementError
from benchmarks.process_tree import list_tree
from localstack.guard import run_guarded, stop_guarded
from localstack.program import Program

START_SECONDS = 90
TOLERANCE = 1e-5
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For every server: its workers are what runs in parallel, and two cores have no room for more."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server, before or while it runs. `build_body` and `read_answer` turn rows into a request and an answer into probabilities."""

    name: str
    program: Program
    url: str
    build_body: Callable[[Sequence[int]], bytes]
    """From the numbers of the rows that are asked about."""
    read_answer: Callable[[bytes], list[float]]
    """The probability of class 1, a number a row."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """What one server is asked: a file of bodies for the load, and those that are checked."""

    server: Server
    bodies: Path
    checked: Sequence[bytes]
    check: Check

    def load(self, *, seconds: float) -> Load:
        """Return the load for so long, as fast as answers come."""
        return Load(url=self.server.url, bodies=self.bodies, headers=self.server.headers, seconds=seconds)


def build_workload(server: Server, folder: Path, expected: Sequence[float], *, rows: int, checked: int = 32) -> Workload:
    """Return the work of asking `server` about `rows` rows at a time, each time others of those whose answers are `expected`."""
    groups = [[(start + offset) % len(expected) for offset in range(rows)] for start in range(0, len(expected), max(1, rows // 10))]
    bodies = [server.build_body(group) for group in groups]
    path = folder / f"{server.name}-{rows}.ndjson"
    path.write_bytes(b"\n".join(bodies) + b"\n")

    def check(number: int, answer: bytes) -> None:
        given, wanted = server.read_answer(answer), [expected[row] for row in groups[number]]
        if len(given) != len(wanted) or any(abs(one - other) > TOLERANCE for one, other in zip(given, wanted, strict=True)):
            raise MeasurementError(f"{server.name} answered {given[:3]} for the rows {groups[number][:3]}, expected {wanted[:3]}")

    return Workload(server, path, bodies[:checked], check)


@contextmanager
def running(program: Program, folder: Path) -> Iterator[int]:
    """Run a program until the context ends, and yield the root of its process tree."""
    guard = run_guarded(program, owner=getpid(), log=folder / "logs" / f"{program.name}.log", ready_seconds=START_SECONDS)
    try:
        yield list_tree(guard)[1]
    finally:
        stop_guarded(guard)
