"""`make bench-training`: training sets from parquet to parquet by our columnar plan, a Spark union, Feast on DuckDB, and DuckDB.

`presage` joins, as the others do; `presage_judged` also makes the statistics and the leak report, as a step does. Every way runs in a
process that is kept: the start of Spark's session, imports and Feast's registry are outside of the time, and each
way has joined once before it is measured. Memory is that of the way's process tree, at its greatest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, cast

import msgspec

from benchmarks.load import MeasurementError
from benchmarks.peers.joined import SETS
from benchmarks.peers.servers import install
from benchmarks.process_tree import measure
from benchmarks.rounds import Ratio, compare
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.training_data import Checksum, compute_checksum, write_inputs
from localstack.places import ROOT

GOALS = {"spark_union": (5.0, None), "feast": (3.0, None), "duckdb": (None, 1.5)}
"""At least so many times ours, or at most ours so many times theirs."""
CURVE = (10_000, 100_000, 1_000_000, 3_000_000, 10_000_000)
WARM_UP_ROWS = 50_000
SAMPLE_SECONDS = 0.05
MIB = 1 << 20
SPARK = "benchmarks.training_spark"
WAYS = {
    "presage": SPARK,
    "presage_judged": SPARK,
    "spark_union": SPARK,
    "presage_sql": SPARK,
    "feast": "benchmarks.peers.feast_joins",
    "duckdb": "benchmarks.peers.duckdb_joins",
}
ENVIRONMENTS = {"feast": "feast-offline", "duckdb": "duckdb"}


class Figures(msgspec.Struct, frozen=True):
    """One join."""

    seconds: float
    cpu_seconds: float
    """Processor time of the way's process tree."""
    peak_mib: float


class Point(msgspec.Struct, frozen=True):
    """A place on the curve: labels, and records in each set."""

    way: str
    rows: int
    figures: Figures


class Way:
    """A process that joins when it is asked to."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start it."""
        self._name, self._log = name, log
        environment = {"PATH": f"{Path(command[0]).parent}:/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(log.parent)}
        environment |= {"PYSPARK_PYTHON": command[0], "SPARK_LOCAL_IP": "127.0.0.1", "FEAST_USAGE": "False"}
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, bufsize=0
            )

    def join(self, folder: Path, output: Path, *, rows: int) -> Figures:
        """Join what is in the folder."""
        asked = {"way": self._name.replace("spark_union", "union"), "folder": str(folder), "output": str(output), "rows": rows}
        before = measure(self._process.pid).cpu_seconds
        with _watch(self._process.pid) as peak:
            cast("BinaryIO", self._process.stdin).write(f"{json.dumps(asked)}\n".encode())
            line = cast("BinaryIO", self._process.stdout).readline()
        if not line:
            raise MeasurementError(f"{self._name} ended: {self._log.read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return Figures(answer["seconds"], measure(self._process.pid).cpu_seconds - before, max(peak) / MIB)

    def close(self) -> None:
        """End it; Spark's Java process ends with its input."""
        cast("BinaryIO", self._process.stdin).close()
        self._process.wait(60)


@contextmanager
def _watch(process: int) -> Iterator[list[int]]:
    """Collect the resident memory of a process tree."""
    found, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(SAMPLE_SECONDS):
            found.append(measure(process).resident_bytes)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def run(*, rounds: int, size: int) -> bool:
    """Measure all ways in turn, print the table and the line, and return whether every goal was reached.

    Raises:
        MeasurementError: A way joins other values than the others.
    """
    names = tuple(name for name in WAYS if name != "presage_sql")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        ways = _start(stack, folder, names)
        say(f"writing {size:,} labels and {len(SETS)} sets of {size:,} records")
        inputs = _write(folder / "measured", size)
        figures: dict[str, list[Figures]] = {name: [] for name in names}
        sums: dict[str, Checksum] = {}
        for number in range(rounds):
            for name, way in ways.items():
                output = folder / f"{name}.parquet"
                found = way.join(inputs, output, rows=size)
                figures[name].append(found)
                sums[name] = compute_checksum(output)
                say(f"round {number + 1}/{rounds} {name:<14} {_describe(found)}")
            _require_equal(sums)
    return _show(figures, rounds=rounds, size=size)


def run_curve() -> bool:
    """Measure ours by both plans beside DuckDB at growing sizes, once each, and print the table."""
    points: list[Point] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        ways = _start(stack, folder, ("presage", "presage_sql", "duckdb"))
        for rows in CURVE:
            say(f"{rows:,} rows")
            inputs = _write(folder / str(rows), rows)
            sums: dict[str, Checksum] = {}
            for name, way in ways.items():
                if name == "presage_sql" and rows > 1_000_000:  # noqa: PLR2004 - where it is long since behind
                    continue
                points.append(Point(name, rows, way.join(inputs, folder / f"{name}.parquet", rows=rows)))
                sums[name] = compute_checksum(folder / f"{name}.parquet")
                say(f"{name:<14} {_describe(points[-1].figures)}")
            _require_equal(sums)
            for path in inputs.iterdir():
                if path.is_file():
                    path.unlink()
    table = [
        (point.way, f"{point.rows:,}", f"{point.figures.seconds:.2f}", f"{point.figures.cpu_seconds:.2f}", f"{point.figures.peak_mib:,.0f}")
        for point in points
    ]
    show_table("Training sets: labels, and records in each of three sets", ("way", "rows", "seconds", "CPU seconds", "peak MiB"), table)
    show_line(f"once each; {keep('training-curve', points)}")
    return True


def _describe(found: Figures) -> str:
    return f"{found.seconds:7.2f} s {found.cpu_seconds:7.2f} s of CPU {found.peak_mib:8,.0f} MiB"


def _start(stack: ExitStack, folder: Path, names: Sequence[str]) -> dict[str, Way]:
    """Return the ways, each of which has joined a few rows, so that it has loaded and compiled what it needs."""
    ways: dict[str, Way] = {}
    inputs = _write(folder / "warm-up", WARM_UP_ROWS)
    for name in names:
        python = str(install(ENVIRONMENTS[name])) if name in ENVIRONMENTS else sys.executable
        say(f"starting {name}")
        ways[name] = Way(name, (python, "-m", WAYS[name]), folder / f"{name}.log")
        stack.callback(ways[name].close)
        for _ in range(2):
            ways[name].join(inputs, folder / f"{name}.parquet", rows=WARM_UP_ROWS)
    return ways


def _write(folder: Path, rows: int) -> Path:
    folder.mkdir()
    write_inputs(folder, rows=rows)
    return folder


def _require_equal(sums: Mapping[str, Checksum]) -> None:
    first = next(iter(sums.values()))
    for name, found in sums.items():
        if found != first:
            wrong = [column for column, pair in found.columns.items() if pair != first.columns[column]]
            raise MeasurementError(f"{name} joins {found.rows} rows and other values in {wrong[:3]} than {next(iter(sums))}: {first.rows}")


def _show(figures: Mapping[str, Sequence[Figures]], *, rounds: int, size: int) -> bool:
    def tell(values: Sequence[float]) -> str:
        return f"{median(values):,.2f} ({min(values):,.2f}..{max(values):,.2f})"

    rows = [
        (
            name,
            tell([one.seconds for one in found]),
            tell([one.cpu_seconds for one in found]),
            f"{max(one.peak_mib for one in found):,.0f}",
        )
        for name, found in figures.items()
    ]
    show_table(
        f"{size:,} labels, {len(SETS)} sets of {size:,} records with 10 features", ("way", "seconds", "CPU seconds", "peak MiB"), rows
    )
    mine = [one.seconds for one in figures["presage"]]
    ratios: dict[str, Ratio] = {}
    for name, (least, _) in GOALS.items():
        theirs = [one.seconds for one in figures[name]]
        ratios[name] = compare(theirs, mine) if least else compare(mine, theirs)
    show_line(f"rounds: {rounds}, interleaved; {keep('training', {'figures': figures, 'ratios': ratios})}")
    show_line("speed: " + " ".join(f"{name}={ratio.middle:.2f}x" for name, ratio in ratios.items()) + " checksum=equal")
    return all(
        (least is None or ratios[name].middle >= least) and (most is None or ratios[name].middle <= most)
        for name, (least, most) in GOALS.items()
    )
