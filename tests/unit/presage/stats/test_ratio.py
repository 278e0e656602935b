import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.effect import Comparison, Sample, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import compute_moments, compute_pair_moments, summarise_mean
from presage.stats.ratio import compute_ratio_variance, summarise_ratio
from presage.stats.welch import compute_fixed_horizon
from tests.unit.presage.stats.samples import build_pair, conclusive

PAIRS = st.lists(st.tuples(st.floats(-100, 100), st.floats(1, 100)), min_size=2, max_size=40).map(np.array)


def summarise_sums(units: float, sums: tuple[float, float], squares: tuple[float, float], product: float) -> Sample[float]:
    """Return the sample of plain sums, without asking whether a sample can have them: the published ones cannot."""
    means = (sums[0] / units, sums[1] / units)
    variances = [(square - total * total / units) / (units - 1.0) for total, square in zip(sums, squares, strict=True)]
    covariance = (product - sums[0] * sums[1] / units) / (units - 1.0)
    return Sample(units, means[0] / means[1], compute_ratio_variance(means, (variances[0], variances[1]), covariance))


def test_a_ratio_equals_the_reference() -> None:
    """gbstats tests: a ratio, relative."""
    control = summarise_sums(100.0, (270.0, 510.0), (848.79, 810.0), -900.0)
    treatment = summarise_sums(120.0, (300.0, 500.0), (869.0, 800.0), -905.0)
    samples = Comparison(control, treatment)
    lift = conclusive(estimate_relative_lift(samples))
    assert lift.value == pytest.approx(0.133333333, abs=5e-10)
    assert conclusive(compute_fixed_horizon(lift, samples, alpha=0.05)).p_value == pytest.approx(0.610663339, abs=5e-10)


def test_the_sums_of_the_reference_are_no_sample_and_refused_as_such() -> None:
    with pytest.raises(ValueError, match="too small"):
        build_pair(100.0, (270.0, 510.0), (848.79, 810.0), -900.0)


@given(PAIRS)
def test_the_variance_is_that_of_the_linearised_units(pairs: np.ndarray) -> None:
    """Deng et al.: the delta method is the variance of (m - ratio x d) / mean(d)."""
    first, second = pairs[:, 0].copy(), pairs[:, 1].copy()
    found = conclusive(summarise_ratio(compute_pair_moments(first, second)))
    ratio = first.sum() / second.sum()
    expected = ((first - ratio * second) / second.mean()).var(ddof=1)
    assert found.mean == pytest.approx(ratio)
    assert found.variance == pytest.approx(expected, rel=1e-6, abs=1e-9 * (1.0 + first.var()))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40).map(np.array))
def test_with_one_session_each_a_ratio_is_a_mean(values: np.ndarray) -> None:
    ratio = conclusive(summarise_ratio(compute_pair_moments(values, np.ones(values.size))))
    mean = conclusive(summarise_mean(compute_moments(values)))
    assert ratio.mean == pytest.approx(mean.mean)
    assert ratio.variance == pytest.approx(mean.variance, rel=1e-9, abs=1e-12)


def test_a_ratio_that_is_the_same_for_all_units_does_not_vary() -> None:
    sessions = np.array([1.0, 3.0, 7.0, 11.0])
    assert conclusive(summarise_ratio(compute_pair_moments(0.3 * sessions, sessions))).variance == 0.0


def test_a_denominator_must_be_above_zero() -> None:
    assert summarise_ratio(build_pair(2.0, (1.0, 0.0), (1.0, 0.0), 0.0)) == Inconclusive("the denominator's mean is not above 0")
    assert summarise_ratio(build_pair(1.0, (1.0, 1.0), (1.0, 1.0), 1.0)) == Inconclusive("an arm has fewer than two units")
