"""Evidence of several periods together: one period is as it was, and looking at all of them errs no more often than at one."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.effect import Estimate
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import (
    Interval,
    Period,
    build_mixture,
    compute_e_value,
    compute_interval,
    compute_joint_e_value,
    compute_joint_interval,
)

MIXTURE = build_mixture(alpha=0.05, planned_units=4000)
ESTIMATES = st.builds(Estimate, st.floats(-1, 1), st.floats(1e-3, 1))
PERIODS = st.builds(Period, ESTIMATES, st.floats(10, 1e6))


@given(PERIODS)
def test_one_period_is_the_confidence_sequence(period: Period) -> None:
    found, expected = compute_joint_interval([period], MIXTURE), compute_interval(period.estimate, MIXTURE, units=period.units)
    assert isinstance(found, Interval)
    assert (found.lower, found.upper) == pytest.approx((expected.lower, expected.upper), rel=1e-9, abs=1e-9)
    e_value = compute_e_value(period.estimate, MIXTURE, units=period.units)
    assert compute_joint_e_value([period], MIXTURE) == pytest.approx(e_value, rel=1e-9)


@given(st.lists(PERIODS, min_size=1, max_size=4))
def test_at_the_bounds_the_evidence_is_1_over_alpha(periods: list[Period]) -> None:
    found = compute_joint_interval(periods, MIXTURE)
    if isinstance(found, Inconclusive):
        return
    for bound in (found.lower, found.upper):
        shifted = [Period(Estimate(one.estimate.value - bound, one.estimate.standard_error), one.units) for one in periods]
        logs = [log(compute_e_value(one.estimate, MIXTURE, units=one.units)) for one in shifted]
        assert sum(logs) == pytest.approx(log(1 / MIXTURE.alpha), rel=1e-6, abs=1e-6)


def test_periods_that_contradict_each_other_have_no_interval() -> None:
    periods = [Period(Estimate(value, 0.001), 10_000.0) for value in (0.5, -0.5)]
    assert isinstance(compute_joint_interval(periods, MIXTURE), Inconclusive)


def test_evidence_that_overflows_is_capped() -> None:
    assert compute_joint_e_value([Period(Estimate(1.0, 1e-3), 10_000.0)] * 2, MIXTURE) == exp(700)


def test_looks_before_and_after_a_change_miss_the_truth_no_oftener_than_alpha() -> None:
    """2,000 runs of up to 60 looks; the operator changes the weights when the evidence begins to look good, or at the end."""
    generator = np.random.default_rng(11)
    runs, missed = 2_000, 0
    mixture = build_mixture(alpha=0.1, planned_units=3_000)
    looks = np.arange(100, 3_001, 100, dtype=float)
    for _ in range(runs):
        paths = [np.cumsum(generator.normal(0.0, 10.0, size=looks.size)) / looks for _ in range(2)]
        first = [Period(Estimate(value, 2.0 / units**0.5), units) for value, units in zip(paths[0] * 2, looks, strict=True)]
        second = [Period(Estimate(value, 4.0 / units**0.5), units) for value, units in zip(paths[1] * 4, looks, strict=True)]
        ended = next((period for period in first if compute_joint_e_value([period], mixture) > 3.0), first[-1])
        seen = [[period] for period in first[: first.index(ended) + 1]] + [[ended, period] for period in second]
        missed += any(excludes_zero(compute_joint_interval(periods, mixture)) for periods in seen)
    assert missed / runs <= 0.1 + 3 * (0.1 * 0.9 / runs) ** 0.5


def excludes_zero(found: Interval[float] | Inconclusive) -> bool:
    return isinstance(found, Inconclusive) or not found.lower <= 0.0 <= found.upper
