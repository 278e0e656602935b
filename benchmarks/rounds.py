"""Measures servers in turn, round after round, so that what the machine does in between meets all of them alike."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from benchmarks.load import MeasurementError, Sampler, check_all, finish, start
from benchmarks.process_tree import measure, read_machine_seconds
from benchmarks.screen import say
from benchmarks.servers import Workload


@dataclass(frozen=True)
class Contestant:
    """A workload on a running server, whose process tree begins at `root`."""

    workload: Workload
    root: int


class Figures(msgspec.Struct, frozen=True):
    """One contestant in one round."""

    requests: int
    requests_a_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    """CPU time of the server's whole process tree per request."""
    resident_mib: float
    others_share: float
    """Part of the machine's time that neither the server nor the load used: what stands behind the server, and strangers."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of two contestants: the median of the rounds' ratios, and the least and the greatest of them."""

    middle: float
    least: float
    greatest: float


def run_rounds(contestants: Mapping[str, Contestant], *, rounds: int, seconds: float, warm_up_seconds: float) -> dict[str, list[Figures]]:
    """Return the figures of every contestant, one a round.

    Raises:
        MeasurementError: One failed a request or answered wrongly.
    """
    for contestant in contestants.values():
        check_all(contestant.workload.load(seconds=0), contestant.workload.checked, contestant.workload.check)
    figures: dict[str, list[Figures]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, contestant in contestants.items():
            _load(contestant, seconds=warm_up_seconds)
            found = _load(contestant, seconds=seconds)
            figures[name].append(found)
            rate, p99, cpu = f"{found.requests_a_second:8.0f}/s", f"{found.p99_ms:7.2f} ms", f"{found.cpu_us:6.0f} us"
            say(f"round {number + 1}/{rounds} {name:<16} {rate}  p99 {p99}  cpu {cpu}")
    return figures


def compare(better: Sequence[float], worse: Sequence[float]) -> Ratio:
    """Return how many times `better` is `worse`, round by round."""
    ratios = [one / other for one, other in zip(better, worse, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def _load(contestant: Contestant, *, seconds: float) -> Figures:
    load = contestant.workload.load(seconds=seconds)
    before, busy, own = measure(contestant.root), read_machine_seconds(), read_own_seconds()
    with Sampler(load, contestant.workload.checked, contestant.workload.check) as sampler:
        report = finish(start(load))
    after, busy, own = measure(contestant.root), read_machine_seconds() - busy, read_own_seconds() - own
    spent = after.cpu_seconds - before.cpu_seconds
    if report.failures:
        raise MeasurementError(f"{contestant.workload.server.name} failed {report.failures} of {report.requests} requests")
    return Figures(
        requests=report.requests,
        requests_a_second=report.requests_a_second,
        p50_ms=report.p50_us / 1e3,
        p99_ms=report.p99_us / 1e3,
        max_ms=report.max_us / 1e3,
        cpu_us=spent / (report.requests + sampler.requests) * 1e6,
        resident_mib=after.resident_bytes / (1 << 20),
        others_share=max(0.0, busy - own - spent) / (report.microseconds / 1e6 * (os.cpu_count() or 1)),
    )


def read_own_seconds() -> float:
    """Return the CPU time of this process and of the load generators that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
