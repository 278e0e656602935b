import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from presage.stats.effect import Comparison, Sample, estimate_difference, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import compute_moments
from presage.stats.welch import compute_fixed_horizon
from tests.unit.presage.stats.samples import LARGER_CONTROL, TREATMENT, compare_means, compare_shares, conclusive

MEANS = compare_means(LARGER_CONTROL, TREATMENT)
SHARES = compare_shares((28.0, 14.0), (30.0, 16.0))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(MEANS, (0.70732, 0.37879, -0.03526, 1.44989, 0.06191)), (SHARES, (0.06667, 0.2717, -0.47767, 0.61101, 0.80707))],
)
def test_relative_lifts_equal_the_references(samples: Comparison[float], expected: tuple[float, ...]) -> None:
    """gbstats tests: Welch, relative."""
    lift = conclusive(estimate_relative_lift(samples))
    found = conclusive(compute_fixed_horizon(lift, samples, alpha=0.05))
    figures = (lift.value, lift.standard_error, found.interval.lower, found.interval.upper, found.p_value)
    assert figures == pytest.approx(expected, abs=5e-6)


@given(st.integers(0, 10**6), st.integers(2, 50), st.integers(2, 50))
def test_differences_equal_scipy(seed: int, units: int, others: int) -> None:
    generator = np.random.default_rng(seed)
    control, treatment = generator.standard_normal(units), 3.0 * generator.standard_normal(others) + 1.0
    samples = compare_means(compute_moments(control), compute_moments(treatment))
    found = conclusive(compute_fixed_horizon(estimate_difference(samples), samples, alpha=0.1))
    theirs = ttest_ind(treatment, control, equal_var=False)
    interval = theirs.confidence_interval(0.9)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert found.degrees == pytest.approx(theirs.df, rel=1e-9)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-12)


def test_one_unit_is_no_test() -> None:
    samples = Comparison(Sample(1.0, 0.5, 0.25), Sample(10.0, 0.5, 0.25))
    assert compute_fixed_horizon(estimate_difference(samples), samples, alpha=0.05) == Inconclusive("an arm has fewer than two units")


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_alpha_is_an_error_rate(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha must be in"):
        compute_fixed_horizon(estimate_difference(MEANS), MEANS, alpha=alpha)
