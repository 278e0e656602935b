"""Statistics against gbstats, tea-tasting, statsmodels and confseq, on seeded random inputs."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from presage.stats.crossing import build_score_path, compute_crossings
from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import (
    Comparison,
    Estimate,
    Sample,
    build_comparison,
    estimate_difference,
    estimate_log_ratio,
    estimate_relative_lift,
)
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import PairMoments, build_moments, build_pair_moments, compute_moments, summarise_mean
from presage.stats.multiplicity import adjust_by_holm
from presage.stats.power import Design
from presage.stats.proportion import summarise_proportion
from presage.stats.ratio import summarise_ratio
from presage.stats.sample_ratio import compute_chi_square_p
from presage.stats.sequential import build_mixture, compute_boundary, compute_e_value, compute_interval
from presage.stats.welch import compute_fixed_horizon
from tests.integration.stats.conftest import Ask
from tests.unit.presage.stats.samples import compare_means, compare_shares, conclusive

pytestmark = pytest.mark.integration

CASES = 200
PRECISION = 1e-9

Arm = dict[str, Any]
KINDS: dict[str, Callable[[PairMoments[float], PairMoments[float]], Comparison[float] | Inconclusive]] = {
    "mean": lambda control, treatment: build_comparison(summarise_mean(control.first), summarise_mean(treatment.first)),
    "ratio": lambda control, treatment: build_comparison(summarise_ratio(control), summarise_ratio(treatment)),
    "cuped": lambda control, treatment: build_comparison(*conclusive(adjust_by_covariate(control, treatment))),
    "proportion": lambda control, treatment: build_comparison(
        *(summarise_proportion(arm.first.units, arm.first.units * arm.first.mean) for arm in (control, treatment))
    ),
}


def draw_arm(kind: str, generator: np.random.Generator) -> Arm:
    """Return the sums of two correlated positive values of some hundred units."""
    units = int(generator.integers(50, 2_000))
    second = 1.0 + generator.standard_gamma(2.0, units)
    first = generator.uniform(0.2, 2.0) * second + generator.standard_gamma(1.5, units)
    if kind == "proportion":
        first = (generator.random(units) < generator.uniform(0.05, 0.95)).astype(np.float64)
    sums, squares = [float(first.sum()), float(second.sum())], [float(first @ first), float(second @ second)]
    return {"kind": kind, "units": float(units), "sums": sums, "squares": squares, "product": float(first @ second)}


def draw_pairs(kind: str) -> list[tuple[Arm, Arm]]:
    generator = np.random.default_rng(list(kind.encode()))
    return [(draw_arm(kind, generator), draw_arm(kind, generator)) for _ in range(CASES)]


def read_moments(arm: Arm) -> PairMoments[float]:
    first, second = (
        build_moments(arm["units"], total=total, total_squares=square, shift=0.0)
        for total, square in zip(arm["sums"], arm["squares"], strict=True)
    )
    return build_pair_moments(first, second, product=arm["product"], shifts=(0.0, 0.0))


def compare(control: Arm, treatment: Arm) -> Comparison[float]:
    return conclusive(KINDS[control["kind"]](read_moments(control), read_moments(treatment)))


def estimate(samples: Comparison[float], scale: str) -> Estimate[float]:
    return estimate_difference(samples) if scale == "absolute" else conclusive(estimate_relative_lift(samples))


# gbstats relates an adjusted lift to unadjusted means; ours relates to adjusted ones, as tea-tasting does.
@pytest.mark.parametrize(
    ("kind", "scale"), [(kind, scale) for kind in KINDS for scale in ("absolute", "relative") if (kind, scale) != ("cuped", "relative")]
)
def test_welch_equals_gbstats(kind: str, scale: str, ask: Ask) -> None:
    pairs = draw_pairs(kind)
    for pair, (value, error, lower, upper, p_value) in zip(
        pairs, ask("gbstats_test", [(*pair, scale, None) for pair in pairs]), strict=True
    ):
        samples = compare(*pair)
        mine = estimate(samples, scale)
        found = conclusive(compute_fixed_horizon(mine, samples, alpha=0.05))
        figures = (mine.value, mine.standard_error, found.interval.lower, found.interval.upper)
        assert figures == pytest.approx((value, error, lower, upper), rel=PRECISION, abs=PRECISION)
        assert found.p_value == pytest.approx(p_value, abs=PRECISION)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("planned", [500.0, 5_000.0])
def test_the_confidence_sequence_equals_gbstats(kind: str, planned: float, ask: Ask) -> None:
    pairs, mixture = draw_pairs(kind), build_mixture(alpha=0.05, planned_units=planned)
    answers = ask("gbstats_test", [(*pair, "absolute", planned) for pair in pairs])
    for pair, (_, _, lower, upper, p_value) in zip(pairs, answers, strict=True):
        units = pair[0]["units"] + pair[1]["units"]
        mine = estimate_difference(compare(*pair))
        interval = compute_interval(mine, mixture, units=units)
        assert (interval.lower, interval.upper) == pytest.approx((lower, upper), rel=PRECISION, abs=PRECISION)
        assert min(1.0, 1.0 / compute_e_value(mine, mixture, units=units)) == pytest.approx(p_value, rel=1e-7, abs=PRECISION)


@pytest.mark.parametrize("kind", ["mean", "ratio", "cuped"])
def test_welch_equals_tea_tasting(kind: str, ask: Ask) -> None:
    pairs = draw_pairs(kind)
    for pair, theirs in zip(pairs, ask("tea_tasting_mean", pairs), strict=True):
        samples = compare(*pair)
        difference, ratio = estimate_difference(samples), conclusive(estimate_log_ratio(samples))
        absolute = conclusive(compute_fixed_horizon(difference, samples, alpha=0.05))
        scaled = [Sample(arm.units, log(arm.mean), arm.variance / arm.mean**2) for arm in (samples.control, samples.treatment)]
        relative = conclusive(compute_fixed_horizon(ratio, Comparison(scaled[0], scaled[1]), alpha=0.05))
        figures = (difference.value, absolute.interval.lower, absolute.interval.upper, absolute.p_value)
        ratios = (exp(ratio.value) - 1.0, exp(relative.interval.lower), exp(relative.interval.upper))
        assert (*figures, *ratios) == pytest.approx(theirs, rel=PRECISION, abs=PRECISION)


def test_the_chi_square_test_equals_gbstats(ask: Ask) -> None:
    generator = np.random.default_rng(1)
    cases = [
        (generator.multinomial(10_000, weights).tolist(), weights.tolist())
        for weights in (generator.dirichlet(np.full(arms, 20.0)) for arms in generator.integers(2, 6, CASES))
    ]
    found = [compute_chi_square_p(*case) for case in cases]
    assert found == pytest.approx(ask("gbstats_srm", cases), abs=PRECISION)


def test_holm_equals_statsmodels(ask: Ask) -> None:
    generator = np.random.default_rng(2)
    cases = [(generator.beta(0.5, 2.0, size).tolist(),) for size in generator.integers(1, 12, 20)]  # each takes it 50 ms
    for (p_values,), theirs in zip(cases, ask("statsmodels_holm", cases), strict=True):
        assert adjust_by_holm(p_values) == pytest.approx(theirs, abs=PRECISION)


def test_welch_equals_statsmodels(ask: Ask) -> None:
    generator = np.random.default_rng(3)
    cases = [
        (generator.standard_normal(int(sizes[0])).tolist(), (3.0 * generator.standard_normal(int(sizes[1])) + 0.5).tolist(), 0.1)
        for sizes in generator.integers(2, 60, (CASES, 2))
    ]
    for (control, treatment, alpha), theirs in zip(cases, ask("statsmodels_welch", cases), strict=True):
        samples = compare_means(compute_moments(np.array(control)), compute_moments(np.array(treatment)))
        found = conclusive(compute_fixed_horizon(estimate_difference(samples), samples, alpha=alpha))
        figures = (found.interval.lower, found.interval.upper, found.p_value, found.degrees)
        assert figures == pytest.approx(theirs, rel=PRECISION, abs=PRECISION)


def test_the_log_ratio_of_proportions_equals_statsmodels(ask: Ask) -> None:
    generator = np.random.default_rng(4)
    cases = [tuple([[int(generator.integers(1, units)), int(units)] for units in generator.integers(20, 5_000, 2)]) for _ in range(CASES)]
    for (control, treatment), (value, error, _, _) in zip(
        cases, ask("statsmodels_risk_ratio", [(*case, 0.05) for case in cases]), strict=True
    ):
        samples = compare_shares((float(control[1]), float(control[0])), (float(treatment[1]), float(treatment[0])))
        ratio = conclusive(estimate_log_ratio(samples))
        assert (ratio.value, ratio.standard_error) == pytest.approx((value, error), rel=PRECISION, abs=PRECISION)


def test_the_power_of_one_look_equals_statsmodels(ask: Ask) -> None:
    generator = np.random.default_rng(5)
    cases = [
        (float(generator.uniform(0.01, 0.5)), float(generator.integers(20, 2_000)), 0.05, float(generator.uniform(0.3, 3.0)))
        for _ in range(CASES)
    ]
    for (effect, units, _, ratio), theirs in zip(cases, ask("statsmodels_power", cases), strict=True):
        design = Design(0.05, ratio / (1.0 + ratio), 1.0, 1.0)
        drift = effect * sqrt(units * (1.0 + ratio) / design.spread)
        found = compute_crossings(build_score_path(np.ones(1), np.array([1.959963984540054])), drift=drift)
        assert float((found.upper + found.lower).sum()) == pytest.approx(theirs, abs=PRECISION)


def test_boundary_and_evidence_equal_confseq(ask_confseq: Ask) -> None:
    generator = np.random.default_rng(6)
    cases = []
    for units, planned in 10.0 ** generator.uniform(1, 6, (CASES, 2)):
        cases.append(
            (float(units), float(planned), float(generator.uniform(0.001, 0.2)), float(3.0 * generator.standard_normal() * sqrt(units)))
        )
    for (units, planned, alpha, score), (bound, log_mixture) in zip(cases, ask_confseq("normal_mixture", cases), strict=True):
        mixture = build_mixture(alpha=alpha, planned_units=planned)
        assert compute_boundary(mixture, units=units) * sqrt(units) == pytest.approx(bound, rel=PRECISION)
        evidence = compute_e_value(Estimate(score / units, 1.0 / sqrt(units)), mixture, units=units)
        assert log(evidence) == pytest.approx(log_mixture, rel=PRECISION, abs=PRECISION)
