"""`make bench-import`: an import of events from an Amplitude that fails, by a worker that is killed twice, small and large.

The real worker behind its daemon, MariaDB, and the emulator's S3, SQS and Secrets Manager; Amplitude is the tests' server, on the same
two cores. What lands is held against what the project's events are by their number, row by row.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import polars as pl

from benchmarks.screen import keep, say, show_line, show_table
from localstack import emulator
from tests.fixtures.amplitude import Project, end_at_this_hour, is_wanted, list_values
from tests.fixtures.amplitude_import import Outcome, count_rows, run_import
from tests.fixtures.servers import SessionServers, session_folder
from tests.fixtures.worker_process import WorkerPlace

HOURS = 60
JOBS = 2
"""The import, and the one of the last hours when late events are listed."""
ROWS_A_FRAME = 200_000
MOST_GROWTH = 1.1
"""Peak memory of the largest import over that of the smallest."""


class Figures(msgspec.Struct, frozen=True):
    """One import, its two kills and the second import of its last hours."""

    events: int
    accepted: int
    seconds: float
    events_a_second: float
    peak_rss_mib: float
    attempts: int
    exact: bool
    notifications: int
    faults: dict[str, int]


def run(*, sizes: Sequence[int]) -> bool:
    """Import a project of each size, smallest first, and return whether all is exact, told once, and memory flat."""
    folder = session_folder(os.getpid())
    servers = SessionServers(folder, os.getpid())
    os.environ.update(emulator.client_environment(servers.emulator_port()))  # noqa: TID251 - what clients and the worker read
    found = [_measure(servers, events) for events in sorted(sizes)]
    show_table(
        "Import from Amplitude, with faults and two SIGKILLs",
        ("events", "accepted", "seconds", "events/s", "peak RSS MiB", "attempts", "exact", "told"),
        [
            (
                f"{one.events:,}",
                f"{one.accepted:,}",
                f"{one.seconds:.0f}",
                f"{one.events_a_second:,.0f}",
                f"{one.peak_rss_mib:.0f}",
                str(one.attempts),
                str(one.exact),
                f"{one.notifications} of {JOBS} jobs",
            )
            for one in found
        ],
    )
    keep("imports", msgspec.to_builtins(found))
    growth = found[-1].peak_rss_mib / found[0].peak_rss_mib
    is_exact, is_told_once = all(one.exact for one in found), all(one.notifications == JOBS for one in found)
    show_line(f"import: exact={is_exact} told_once={is_told_once} memory={growth:.2f}x")
    return is_exact and is_told_once and growth <= MOST_GROWTH


def _measure(servers: SessionServers, events: int) -> Figures:
    server, name = servers.mariadb(), f"benchmark_{secrets.token_hex(6)}"
    server.execute(f"CREATE DATABASE {name}")
    project = end_at_this_hour(hours=HOURS, events=events)
    say(f"{events:,} events in {HOURS} hours")
    with tempfile.TemporaryDirectory() as folder:
        place, outcome = run_import(f"{server.url}/{name}?charset=utf8mb4", Path(folder), project=project, max_events=events // 8)
        say(f"killed at {outcome.killed_at}, ended after {outcome.seconds:.0f} s with {outcome.faults}; comparing rows")
        return Figures(
            events=events,
            accepted=_accepted(outcome),
            seconds=outcome.seconds,
            events_a_second=events / outcome.seconds,
            peak_rss_mib=outcome.peak_rss_mib,
            attempts=outcome.first.attempts,
            exact=_is_exact(place, outcome, project),
            notifications=outcome.notifications,
            faults=outcome.faults,
        )


def _accepted(outcome: Outcome) -> int:
    return sum(int(str(job.result["accepted"])) for job in (outcome.first, outcome.second))


def _is_exact(place: WorkerPlace, outcome: Outcome, project: Project) -> bool:
    """Return whether the newest version holds every event that was asked for, once, with its values, and nothing else."""
    version = place.lake.find_version(outcome.dataset.workspace_id, outcome.dataset.dataset_id)
    if version is None:
        return False
    found = place.lake.read_frame(version).select("record_id", "entity_id", "amount", "shop").sort("record_id")
    expected = _build_expected(project).sort("record_id")
    return found.equals(expected) and count_rows(place, outcome.dataset) == expected.height == _accepted(outcome)


def _build_expected(project: Project) -> pl.DataFrame:
    rows = (list_values(number) for hour in range(project.hours) for number in project.list_hour(hour) if is_wanted(number))
    return pl.concat(list(_build_frames(rows)))


def _build_frames(rows: Iterator[tuple[str, str, float, str]]) -> Iterator[pl.DataFrame]:
    schema = {"record_id": pl.String(), "entity_id": pl.String(), "amount": pl.Float64(), "shop": pl.String()}
    while piece := list(islice(rows, ROWS_A_FRAME)):
        yield pl.DataFrame(piece, schema=schema, orient="row")
