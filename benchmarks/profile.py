"""`make bench-profile`: a version's profile beside polars, DuckDB and the profilers, on the same parquet parts.

Every run is a process of its own, which profiles once and tells how long that took, without imports, and the peak of its memory; the time
of its processors is of the whole process. Engines take turns. What they find is compared.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.load import MeasurementError
from benchmarks.peers.servers import install
from benchmarks.profile_data import CHECKED, write_parts
from benchmarks.rounds import Ratio, compare
from benchmarks.screen import keep, say, show_line, show_table
from localstack.places import ROOT

FAST = ("presage", "polars describe", "polars streaming", "duckdb summarize")
PROFILERS = ("ydata-profiling", "whylogs")
"""Those asked by default; `dataprofiler` only by name, as it takes longer than all others together."""
PACKAGES = {
    "polars describe": "polars",
    "polars streaming": "polars",
    "duckdb summarize": "duckdb",
    "ydata-profiling": "ydata",
    "whylogs": "whylogs",
    "dataprofiler": "dataprofiler",
}
LEAST_TO_POLARS, LEAST_TO_PROFILERS, MOST_MIB = 3.0, 50.0, 512.0
LAMBDA_MIB = 1_769.0
PROFILED_BY_ALL = 1_000_000
_TOLERANCE = 0.01


class Run(msgspec.Struct, frozen=True):
    """One engine, once."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    found: dict[str, float]


def run(*, rows: int, rounds: int, profilers: Sequence[str] = PROFILERS) -> bool:
    """Measure in turns, print tables and the line of ratios, and return whether the goals were reached.

    Raises:
        MeasurementError: An engine failed or found something else, or a profile took more memory than its function has.
    """
    folder = Path(tempfile.mkdtemp(prefix="presage-profile-"))
    try:
        say(f"writing {rows:,} rows")
        large = _measure(FAST, write_parts(folder / "large", rows=rows), rounds=rounds)
        say(f"writing {PROFILED_BY_ALL:,} rows")
        parts = write_parts(folder / "small", rows=PROFILED_BY_ALL)
        small = _measure((FAST[0], *profilers), parts, rounds=1)
    finally:
        shutil.rmtree(folder)
    _show(f"{rows:,} rows, 20 columns", large)
    _show(f"{PROFILED_BY_ALL:,} rows, 20 columns", small)
    kept = keep("profile", {"rows": rows, "large": large, "small": small})
    peak = max(one.peak_mib for one in large["presage"])
    if peak > LAMBDA_MIB:
        raise MeasurementError(f"a profile took {peak:.0f} MiB; its function has {LAMBDA_MIB:.0f}")
    to_fast = {name: _compare(runs, large["presage"]) for name, runs in large.items() if name != "presage"}
    to_profilers = {name: _compare(runs, small["presage"]) for name, runs in small.items() if name != "presage"}
    show_line(f"results: {kept}")
    told = " ".join(f"{name.replace(' ', '_')}={ratio.middle:.1f}x" for name, ratio in (to_fast | to_profilers).items())
    show_line(f"speed: {told} peak={peak:.0f}MiB")
    is_fast = to_fast["polars describe"].middle >= LEAST_TO_POLARS and all(
        one.middle >= LEAST_TO_PROFILERS for one in to_profilers.values()
    )
    return is_fast and peak <= MOST_MIB


def _measure(engines: Sequence[str], parts: Sequence[Path], *, rounds: int) -> dict[str, list[Run]]:
    measured: dict[str, list[Run]] = {name: [] for name in engines}
    for number in range(rounds):
        for name in engines:
            one = _run(name, parts)
            say(f"round {number + 1}, {name}: {one.seconds:.1f} s, {one.cpu_seconds:.1f} s of processors, {one.peak_mib:.0f} MiB")
            measured[name].append(one)
    for name, runs in measured.items():
        for column, expected in measured["presage"][0].found.items():
            found = runs[0].found.get(column, expected)
            if abs(found - expected) > _TOLERANCE * abs(expected):
                raise MeasurementError(f"{name} finds {column} {found}, presage {expected}")
    return measured


def _run(name: str, parts: Sequence[Path]) -> Run:
    python = Path(sys.executable) if name == "presage" else install(PACKAGES[name])
    module = "benchmarks.profile_ours" if name == "presage" else "benchmarks.peers.profilers"
    environment = {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": str(python.parent),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "LANG": "C.UTF-8",
    }
    if name == "presage":
        environment["OPENBLAS_NUM_THREADS"] = "1"  # as its function has it
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = os.posix_spawn(
            str(python),
            [str(python), "-m", module, name, CHECKED, *map(str, parts)],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, errors.fileno(), 2)],
        )
        _, status, usage = os.wait4(process, 0)
        output.seek(0)
        errors.seek(0)
        if status:
            raise MeasurementError(f"{name} ended with {os.waitstatus_to_exitcode(status)}: {errors.read().decode()[-2000:]}")
        told = json.loads(output.read().splitlines()[-1])
    return Run(told["seconds"], usage.ru_utime + usage.ru_stime, told["peak_mib"], told["found"])


def _compare(others: Sequence[Run], ours: Sequence[Run]) -> Ratio:
    return compare([other.seconds for other in others], [own.seconds for own in ours])


def _show(title: str, measured: dict[str, list[Run]]) -> None:
    rows = [
        (
            name,
            f"{median(one.seconds for one in runs):.2f}",
            f"{median(one.cpu_seconds for one in runs):.2f}",
            f"{max(one.peak_mib for one in runs):.0f}",
            f"{_compare(runs, measured['presage']).middle:.2f}",
        )
        for name, runs in measured.items()
    ]
    show_table(title, ("engine", "seconds", "processor seconds", "peak MiB", "time, ours = 1"), rows)
