"""`make bench-neighbour`: one key at 20 times its limit beside another that keeps to its own.

The noisy key must be answered 429 beyond its limit, and the quiet key's p95 may move by less than 10 %.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import ours
from benchmarks.classifier import fit_classifier
from benchmarks.load import Load, LoadReport, check_all, finish, start
from benchmarks.rounds import Ratio, compare
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.servers import build_workload, running
from benchmarks.snapshots import build_values
from benchmarks.workspace import Contents
from localstack.program import free_port
from presage.tenancy.model import Plan

QUIET, NOISY = "key-quiet", "key-noisy"
LIMITS = {"free": {"per_second": 10.0, "burst": 20}, "standard": {"per_second": 200.0, "burst": 400}}
"""As production's usage plans have it (stacks/config.py); the quiet key is in the plan `standard`."""
EXCESS = 20
QUIET_RATE = 100.0
MOST_MOVED = 1.1
ENTITIES, ASKED = 10_000, 1_000
PASSED_SHARE = 1.5
"""Of the noisy key's limit, burst included, what may get through."""


def run(*, rounds: int, seconds: float, plan: Plan) -> bool:
    """Measure the quiet key alone and beside a noisy one of `plan`, in turns; print, and return whether both demands held.

    The order changes from round to round, so that neither of the two has the better place.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        quiet, noisy = _start(stack, folder, seconds=seconds, plan=plan)
        alone: list[LoadReport] = []
        beside: list[LoadReport] = []
        noise: list[LoadReport] = []
        for number in range(rounds):
            for is_loud in (number % 2 == 1, number % 2 == 0):
                if not is_loud:
                    alone.append(finish(start(quiet)))
                    continue
                loud = start(noisy)
                beside.append(finish(start(quiet)))
                noise.append(finish(loud))
            say(
                f"round {number + 1}/{rounds} p95 alone {alone[-1].p95_us} us, beside {beside[-1].p95_us} us, {noise[-1].limited} times 429"
            )
    return _tell(alone, beside, noise, plan=plan)


def _start(stack: ExitStack, folder: Path, *, seconds: float, plan: Plan) -> tuple[Load, Load]:
    """Start the service with two keys, each of a workspace of its own, and return the loads of both."""
    say("starting presage")
    classifier = fit_classifier()
    numbers = ours.choose_treated(ASKED, entities=ENTITIES)
    expected = classifier.predict_proba(build_values(numbers))[:, 1].tolist()
    contents = Contents(classifier, ENTITIES)
    around = stack.enter_context(ours.surroundings(folder, contents, keys={QUIET: "standard", NOISY: plan}, limits=LIMITS))
    server = ours.build_server(around, numbers, port=free_port(), key=QUIET)
    stack.enter_context(running(server.program, folder))
    workload = build_workload(server, folder, expected, rows=1)
    check_all(workload.load(seconds=0), workload.checked, workload.check)
    finish(start(replace(workload.load(seconds=2), rate=QUIET_RATE)))
    quiet = replace(workload.load(seconds=seconds), rate=QUIET_RATE, counts_limited=True)
    rate = EXCESS * LIMITS[plan]["per_second"]
    return quiet, replace(quiet, headers={ours.KEY_HEADER: NOISY}, rate=rate)


def _tell(alone: Sequence[LoadReport], beside: Sequence[LoadReport], noise: Sequence[LoadReport], *, plan: Plan) -> bool:
    moved = compare([one.p95_us for one in beside], [one.p95_us for one in alone])
    passed = [(one.requests - one.not_2xx) / (one.microseconds / 1e6) for one in noise]
    limit = LIMITS[plan]["per_second"] + LIMITS[plan]["burst"] / (noise[0].microseconds / 1e6)
    held = {
        "p95": moved.middle < MOST_MOVED,
        "quiet_key": all(one.failures == 0 for one in [*alone, *beside]),
        "429": all(one.limited > 0 and one.limited == one.failures for one in noise) and max(passed) <= PASSED_SHARE * limit,
    }
    _show(alone, beside, noise, moved)
    path = keep(f"neighbour-{plan}", {"alone": alone, "beside": beside, "noise": noise, "moved": moved, "held": held})
    show_line(f"the noisy key had {median(passed):.1f} answers/s of a limit of {LIMITS[plan]['per_second']:.0f}/s; {path}")
    verdicts = " ".join(f"{name}={'held' if fine else 'FAILED'}" for name, fine in held.items())
    show_line(f"neighbour of {plan}: p95 moved {moved.middle - 1:+.1%} ({moved.least - 1:+.1%}..{moved.greatest - 1:+.1%}) {verdicts}")
    return all(held.values())


def _show(alone: Sequence[LoadReport], beside: Sequence[LoadReport], noise: Sequence[LoadReport], moved: Ratio) -> None:
    def tell(name: str, reports: Sequence[LoadReport]) -> tuple[str, ...]:
        p50, p95 = median(one.p50_us for one in reports) / 1e3, median(one.p95_us for one in reports) / 1e3
        rate = median(one.requests_a_second for one in reports)
        return (
            name,
            f"{rate:,.0f}",
            f"{p50:.2f}",
            f"{p95:.2f}",
            str(sum(one.limited for one in reports)),
            str(sum(one.failures for one in reports)),
        )

    rows = [tell("quiet key alone", alone), tell("quiet key beside", beside), tell("noisy key", noise)]
    columns = ("load", "requests/s", "p50 ms", "p95 ms", "429", "not answered")
    show_table(f"One key at {EXCESS} times its limit; the other's p95 x {moved.middle:.3f}", columns, rows)
