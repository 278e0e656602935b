"""`make bench-lookup`: feature values of one and of 100 entities, from our packed snapshot and from Feast's SQLite online store.

Feast is timed without its conversion to Python values (`to_dict`), which would cost it more; ours gives an array that the model takes.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, BinaryIO, Self, cast

import msgspec
import numpy as np

from benchmarks.classifier import COLUMNS, Rows
from benchmarks.load import MeasurementError
from benchmarks.peers.servers import install
from benchmarks.rounds import Ratio, compare
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.snapshots import VIEW, build_values, choose_entities, entity_id, write_snapshot
from localstack.places import ROOT
from presage.predictions.snapshot import Snapshot, SnapshotFile
from presage.training.artifact import SnapshotManifest

ENTITIES = 10_000
SIZES = (1, 100)
CALLS = {"presage": {1: 20_000, 100: 2_000}, "feast": {1: 1_000, 100: 100}}

Timed = Callable[[Sequence[Sequence[int]]], tuple[list[int], Rows]]
"""Look these groups of entities up, one after another; returns nanoseconds per group, and the values of the last group."""


class Percentiles(msgspec.Struct, frozen=True):
    """Latencies of one round."""

    p50_us: float
    p99_us: float


def run(*, rounds: int) -> None:
    """Measure in turns, and print the table and the line of ratios.

    Raises:
        MeasurementError: One of the two gives other values than were stored.
    """
    say("installing feast")
    python = install("feast")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        say(f"filling both stores with {ENTITIES:,} entities")
        ways = {"presage": _open_snapshot(folder), "feast": stack.enter_context(_Feast(python, folder)).look_up}
        figures: dict[str, list[Percentiles]] = {f"{name}_{size}": [] for size in SIZES for name in ways}
        for number in range(rounds):
            for size in SIZES:
                for name, way in ways.items():
                    found = _measure(way, size=size, calls=CALLS[name][size])
                    figures[f"{name}_{size}"].append(found)
                    say(f"round {number + 1}/{rounds} {name:<8} {size:>3} entities  p50 {found.p50_us:9.1f} us  p99 {found.p99_us:9.1f} us")
    _show(figures)
    ratios = _compare(figures)
    show_line(f"rounds: {rounds}, interleaved; {keep('lookup', {'figures': figures, 'ratios': ratios})}")
    show_line("lookup: " + " ".join(f"{name}={ratio.middle:.0f}x" for name, ratio in ratios.items()))


def _open_snapshot(folder: Path) -> Timed:
    path = folder / "features.lmdb"
    write_snapshot(path, entities=ENTITIES)
    now = datetime.now(UTC)
    snapshot = Snapshot(SnapshotFile(str(path)), SnapshotManifest(1, "mdl", "1", now, now, ENTITIES, path.name, "", path.stat().st_size))

    def look_up(groups: Sequence[Sequence[int]]) -> tuple[list[int], Rows]:
        spent, values = [], np.empty((0, COLUMNS))
        for group in groups:
            keys = [entity_id(number) for number in group]
            began = time.perf_counter_ns()
            values, _ = snapshot.read_view(VIEW, keys, width=COLUMNS)
            spent.append(time.perf_counter_ns() - began)
        return spent, values.astype(np.float32)

    return look_up


class _Feast:
    """Feast in a process of its own environment, asked through pipes; it takes the time itself."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._log = folder / "feast.log"
        self._store = folder / "feast"
        self._store.mkdir()
        environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(self._store)}
        command = [str(python), "-m", "benchmarks.peers.feast_store", str(self._store)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)

    def __enter__(self) -> Self:
        numbers = np.arange(ENTITIES)
        self._ask({"entities": [entity_id(number) for number in range(ENTITIES)], "values": build_values(numbers).astype(float).tolist()})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def look_up(self, groups: Sequence[Sequence[int]]) -> tuple[list[int], Rows]:
        answer = self._ask({"asked": [[entity_id(number) for number in group] for group in groups]})
        return answer["nanoseconds"], np.array(answer["values"], dtype=np.float32)

    def _ask(self, value: object) -> dict[str, Any]:
        requests, answers = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        requests.write(f"{json.dumps(value)}\n".encode())
        line = answers.readline()
        if not line:
            raise MeasurementError(f"feast ended: {self._log.read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _measure(way: Timed, *, size: int, calls: int) -> Percentiles:
    numbers = choose_entities(calls * size, entities=ENTITIES).reshape(calls, size)
    way(numbers[: calls // 10].tolist())
    spent, values = way(numbers.tolist())
    if not np.array_equal(values, build_values(numbers[-1])):
        raise MeasurementError("a store gives other values than it was filled with")
    cuts = quantiles(spent, n=100)
    return Percentiles(cuts[49] / 1e3, cuts[98] / 1e3)


def _compare(figures: Mapping[str, Sequence[Percentiles]]) -> dict[str, Ratio]:
    ratios = {}
    for size in SIZES:
        mine, theirs = figures[f"presage_{size}"], figures[f"feast_{size}"]
        ratios[f"feast_p50_{size}"] = compare([one.p50_us for one in theirs], [one.p50_us for one in mine])
        ratios[f"feast_p99_{size}"] = compare([one.p99_us for one in theirs], [one.p99_us for one in mine])
    return ratios


def _show(figures: Mapping[str, Sequence[Percentiles]]) -> None:
    def tell(values: Sequence[float]) -> str:
        return f"{median(values):,.1f} ({min(values):,.1f}..{max(values):,.1f})"

    rows = [(name, tell([one.p50_us for one in found]), tell([one.p99_us for one in found])) for name, found in figures.items()]
    show_table(
        f"Look-up of {COLUMNS} floats per entity, microseconds: median (least..greatest round)", ("store_entities", "p50", "p99"), rows
    )
