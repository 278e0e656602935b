"""`make bench-soak`: hours in minutes. Steady load at 70 % of capacity; memory must stay level and nothing may be missing after."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from benchmarks import ours
from benchmarks.classifier import fit_classifier
from benchmarks.flatness import Trend, compute_trend
from benchmarks.handed_over import Completeness, count
from benchmarks.load import Load, LoadReport, MeasurementError, check_all, finish, start
from benchmarks.process_tree import Usage, measure, read_machine_seconds
from benchmarks.rounds import read_own_seconds
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.servers import Workload, build_workload, running
from benchmarks.snapshots import build_values
from benchmarks.workspace import Contents
from localstack.guard import is_alive
from localstack.program import free_port

ENTITIES = 100_000
ASKED = 2_000
SHARE_OF_CAPACITY = 0.7
CAPACITY_SECONDS = 10
CONNECTIONS = 16
MOST_GROWTH = 0.02
"""Of resident memory over the last two thirds of the time; what is loaded and pooled is there by then."""
SETTLING_SHARE = 1 / 3
DRAIN_SECONDS = 60


class Sample(msgspec.Struct, frozen=True):
    """The server's process tree at one moment of the load."""

    seconds: float
    usage: Usage


class Soaked(msgspec.Struct, frozen=True):
    """What the load met, and the server meanwhile."""

    report: LoadReport
    samples: list[Sample]
    others_share: float
    """Part of the machine's time that neither the server nor the load used: the sink, the database, and strangers."""


def run(*, seconds: float) -> bool:
    """Run the soak, print what came of it, and return whether all held."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        say("starting presage")
        classifier = fit_classifier()
        numbers = ours.choose_treated(ASKED, entities=ENTITIES)
        around = stack.enter_context(ours.surroundings(folder, Contents(classifier, ENTITIES)))
        server = ours.build_server(around, numbers, port=free_port())
        root = stack.enter_context(running(server.program, folder))
        workload = build_workload(server, folder, classifier.predict_proba(build_values(numbers))[:, 1].tolist(), rows=1)
        check_all(workload.load(seconds=0), workload.checked, workload.check)
        rate = SHARE_OF_CAPACITY * _measure_capacity(replace(workload.load(seconds=CAPACITY_SECONDS), ids=folder / "ids.capacity"))
        say(f"{rate:,.0f} requests/s for {seconds:.0f} s")
        soaked = _soak(workload, folder / "ids", root, rate=rate, seconds=seconds)
        drained = _stop(root)
        say("comparing what was acknowledged with what was handed over")
        found = count(around.sink, sorted(folder.glob("ids.*")))
    return _tell(soaked, found, drained)


def _measure_capacity(load: Load) -> float:
    report = finish(start(load))
    if report.failures:
        raise MeasurementError(f"{report.failures} of {report.requests} requests failed while the capacity was measured")
    return report.requests_a_second


def _soak(workload: Workload, ids: Path, root: int, *, rate: float, seconds: float) -> Soaked:
    load = Load(
        url=workload.server.url,
        bodies=workload.bodies,
        headers=workload.server.headers,
        seconds=seconds,
        rate=rate,
        connections=CONNECTIONS,
        ids=ids,
    )
    busy, own, spent = read_machine_seconds(), read_own_seconds(), measure(root).cpu_seconds
    process = start(load)
    began = time.monotonic()
    samples: list[Sample] = []
    while process.poll() is None:
        samples.append(Sample(time.monotonic() - began, measure(root)))
        if len(samples) % 60 == 0:
            say(f"{samples[-1].seconds:5.0f} s  resident {samples[-1].usage.resident_bytes / (1 << 20):,.0f} MiB")
        time.sleep(1)
    report = finish(process)
    busy, own, spent = read_machine_seconds() - busy, read_own_seconds() - own, measure(root).cpu_seconds - spent
    return Soaked(report, samples, max(0.0, busy - own - spent) / (report.microseconds / 1e6 * (os.cpu_count() or 1)))


def _stop(root: int) -> float:
    """Ask the server to end, and return the seconds it took to hand over what it held."""
    began = time.monotonic()
    os.kill(root, signal.SIGTERM)
    while is_alive(root):
        if time.monotonic() - began > DRAIN_SECONDS:
            raise MeasurementError(f"the server did not end within {DRAIN_SECONDS} s of SIGTERM")
        time.sleep(0.05)
    return time.monotonic() - began


def _tell(soaked: Soaked, found: Completeness, drained: float) -> bool:
    report, samples = soaked.report, soaked.samples
    settled = [sample for sample in samples if sample.seconds >= SETTLING_SHARE * samples[-1].seconds]
    times = [sample.seconds for sample in settled]
    trends = {
        "resident": compute_trend(times, [sample.usage.resident_bytes / (1 << 20) for sample in settled]),
        "anonymous": compute_trend(times, [sample.usage.anonymous_bytes / (1 << 20) for sample in settled]),
    }
    held = {
        "errors": report.failures == 0,
        "memory": all(trend.share <= MOST_GROWTH for trend in trends.values()),
        "log": found.log_missing == 0,
        "assignments": found.assignments_missing == 0,
    }
    rows = [
        ("requests", f"{report.requests:,} at {report.requests_a_second:,.0f}/s, {report.failures} failed"),
        ("latency p50 / p99 / max", f"{report.p50_us / 1e3:.2f} / {report.p99_us / 1e3:.2f} / {report.max_us / 1e3:.1f} ms"),
        *((f"{name} memory", _describe(trend)) for name, trend in trends.items()),
        ("acknowledged predictions", f"{found.acknowledged:,}; {found.unacknowledged} more were logged, {found.logged_twice} rows twice"),
        ("missing in the log / assignments", f"{found.log_missing} / {found.assignments_missing}"),
        ("others' share of the machine", f"{soaked.others_share:.0%}"),
        ("ended after SIGTERM", f"{drained:.1f} s"),
    ]
    show_table(f"{SHARE_OF_CAPACITY:.0%} of capacity", ("what", "found"), rows)
    path = keep("soak", {"soak": soaked, "trends": trends, "completeness": found, "held": held})
    show_line(f"memory is level if it grew by at most {MOST_GROWTH:.0%} over the last two thirds (Theil-Sen slope); {path}")
    show_line("soak: " + " ".join(f"{name}={'held' if fine else 'FAILED'}" for name, fine in held.items()))
    return all(held.values())


def _describe(trend: Trend) -> str:
    return f"{trend.level:,.1f} MiB, grew by {trend.growth:+.2f} MiB ({trend.share:+.2%})"
