"""`make bench-stats`: the statistics of one look at an experiment of five metrics and two variants, from sums to intervals, beside gbstats.

gbstats is timed twice: through its entry for a whole experiment, which takes rows through pandas, and its test classes alone. All times
are of the processor, which strangers on the machine disturb least; both run on one thread.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any, BinaryIO, Self, cast

import msgspec
import numpy as np

from benchmarks.load import MeasurementError
from benchmarks.peers.servers import install
from benchmarks.rounds import Ratio, compare
from benchmarks.screen import keep, say, show_line, show_table
from localstack.places import ROOT
from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import Comparison, build_comparison, estimate_difference, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive, require_conclusive
from presage.stats.moments import PairMoments, build_moments, build_pair_moments, summarise_mean
from presage.stats.proportion import summarise_proportion
from presage.stats.ratio import summarise_ratio
from presage.stats.sample_ratio import compute_chi_square_p, compute_log_bayes_factor
from presage.stats.sequential import build_mixture, compute_e_value, compute_interval

KINDS = ("proportion", "mean", "mean", "ratio", "cuped")
UNITS = 20_000
PLANNED_UNITS = 50_000
WEIGHTS = (0.5, 0.5)
CALLS = {"presage": 2_000, "experiment": 20, "tests": 500}
LEAST_RATIO = 20.0
"""How many times as fast as gbstats' entry for an experiment this must be."""
PRECISION = 1e-9

Arm = dict[str, Any]
Metrics = list[dict[str, Any]]


class Percentiles(msgspec.Struct, frozen=True):
    """CPU times of one look in one round."""

    p50_us: float
    p99_us: float


def run(*, rounds: int) -> bool:
    """Measure in turns, print the table and the line of ratios, and return whether the least ratio was reached.

    Raises:
        MeasurementError: gbstats finds other effects or intervals.
    """
    say("installing gbstats")
    metrics = draw_metrics(seed=1)
    figures: dict[str, list[Percentiles]] = {name: [] for name in CALLS}
    with _Gbstats(metrics) as peer:
        expected = analyse(metrics)
        for number in range(rounds):
            for name, calls in CALLS.items():
                spent, found = _time(metrics, calls) if name == "presage" else peer.time(name, calls)
                _require_same(name, found, expected)
                cuts = quantiles(spent, n=100)
                figures[name].append(Percentiles(cuts[49] / 1e3, cuts[98] / 1e3))
                say(f"round {number + 1}/{rounds} {name:<10} p50 {cuts[49] / 1e3:9.1f} us")
    ratios = _compare(figures)
    _show(figures)
    show_line(f"rounds: {rounds}, interleaved; {keep('stats', {'figures': figures, 'ratios': ratios})}")
    show_line(
        "stats: " + " ".join(f"{name}={ratio.middle:.1f}x [{ratio.least:.1f}-{ratio.greatest:.1f}]" for name, ratio in ratios.items())
    )
    return ratios["gbstats_experiment"].middle >= LEAST_RATIO


def draw_metrics(*, seed: int) -> Metrics:
    """Return the sums of each metric in both variants, of seeded units."""
    generator = np.random.default_rng(seed)
    return [{"kind": kind, "arms": [_draw_arm(kind, generator) for _ in range(2)]} for kind in KINDS]


def analyse(metrics: Metrics) -> list[list[float]]:
    """Return [difference, lower, upper, p] of each metric, having computed its lift and the sample-ratio tests as well."""
    mixture = build_mixture(alpha=0.05, planned_units=PLANNED_UNITS)
    found = []
    for metric in metrics:
        control, treatment = metric["arms"]
        samples = _summarise(metric["kind"], control, treatment)
        difference, units = estimate_difference(samples), control["units"] + treatment["units"]
        estimate_relative_lift(samples)
        interval = compute_interval(difference, mixture, units=units)
        p_value = min(1.0, 1.0 / compute_e_value(difference, mixture, units=units))
        found.append([difference.value, interval.lower, interval.upper, p_value])
    counts = [int(arm["units"]) for arm in metrics[0]["arms"]]
    compute_chi_square_p(counts, WEIGHTS)
    compute_log_bayes_factor(counts, WEIGHTS)
    return found


def _draw_arm(kind: str, generator: np.random.Generator) -> Arm:
    second = 1.0 + generator.standard_gamma(2.0, UNITS)
    first = second + generator.standard_gamma(1.5, UNITS)
    if kind == "proportion":
        first = (generator.random(UNITS) < 0.1).astype(np.float64)  # noqa: PLR2004 - a rate
    sums, squares = [float(first.sum()), float(second.sum())], [float(first @ first), float(second @ second)]
    return {"units": float(UNITS), "sums": sums, "squares": squares, "product": float(first @ second)}


def _summarise(kind: str, control: Arm, treatment: Arm) -> Comparison[float]:
    match kind:
        case "proportion":
            found = build_comparison(*(summarise_proportion(arm["units"], arm["sums"][0]) for arm in (control, treatment)))
        case "mean":
            found = build_comparison(
                *(
                    summarise_mean(build_moments(arm["units"], total=arm["sums"][0], total_squares=arm["squares"][0], shift=0.0))
                    for arm in (control, treatment)
                )
            )
        case "ratio":
            found = build_comparison(*(summarise_ratio(_read_pair(arm)) for arm in (control, treatment)))
        case _:
            adjusted = adjust_by_covariate(_read_pair(control), _read_pair(treatment))
            found = adjusted if isinstance(adjusted, Inconclusive) else build_comparison(*adjusted)
    return require_conclusive(found, what=f"a metric of kind {kind}")


def _read_pair(arm: Arm) -> PairMoments[float]:
    first, second = (
        build_moments(arm["units"], total=total, total_squares=square, shift=0.0)
        for total, square in zip(arm["sums"], arm["squares"], strict=True)
    )
    return build_pair_moments(first, second, product=arm["product"], shifts=(0.0, 0.0))


def _time(metrics: Metrics, calls: int) -> tuple[list[int], list[list[float]]]:
    spent, found = [], []
    for _ in range(calls):
        began = time.process_time_ns()
        found = analyse(metrics)
        spent.append(time.process_time_ns() - began)
    return spent, found


class _Gbstats:
    """gbstats in a process of its own environment, asked through pipes; it takes the time itself."""

    def __init__(self, metrics: Metrics) -> None:
        python = install("gbstats")
        environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [str(python), "-m", "benchmarks.peers.gbstats_engine"]
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._say({"planned_units": PLANNED_UNITS, "weights": WEIGHTS, "metrics": metrics})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def time(self, way: str, calls: int) -> tuple[list[int], list[list[float]]]:
        """Return the nanoseconds of each call, and what the last one found."""
        self._say({"way": way, "calls": calls})
        line = cast("BinaryIO", self._process.stdout).readline()
        if not line:
            raise MeasurementError("gbstats ended without an answer")
        answer = json.loads(line)
        return answer["nanoseconds"], answer["found"]

    def _say(self, value: object) -> None:
        cast("BinaryIO", self._process.stdin).write(f"{json.dumps(value)}\n".encode())


def _require_same(name: str, found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> None:
    if not np.allclose(found, expected, rtol=PRECISION, atol=PRECISION):
        raise MeasurementError(f"{name} finds {found}, expected {expected}")


def _compare(figures: Mapping[str, Sequence[Percentiles]]) -> dict[str, Ratio]:
    mine = [one.p50_us for one in figures["presage"]]
    return {f"gbstats_{name}": compare([one.p50_us for one in figures[name]], mine) for name in ("experiment", "tests")}


def _show(figures: Mapping[str, Sequence[Percentiles]]) -> None:
    def tell(values: Sequence[float]) -> str:
        return f"{median(values):,.1f} ({min(values):,.1f}..{max(values):,.1f})"

    names = {"presage": "presage", "experiment": "gbstats, an experiment", "tests": "gbstats, its tests alone"}
    rows = [(names[name], tell([one.p50_us for one in found]), tell([one.p99_us for one in found])) for name, found in figures.items()]
    show_table("One look at five metrics of two variants, microseconds of CPU: median (least..greatest round)", ("who", "p50", "p99"), rows)
