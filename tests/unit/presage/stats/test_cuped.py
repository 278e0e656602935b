import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import build_comparison, estimate_difference
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import compute_pair_moments, summarise_mean
from tests.unit.presage.stats.samples import conclusive

PAIRS = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=3, max_size=40).map(np.array)


def draw(seed: int, *, units: int, lift: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    before = generator.standard_exponential(units)
    return before + lift + generator.standard_normal(units), before


def test_the_slope_is_that_of_both_variants_merged() -> None:
    (one, one_before), (other, other_before) = draw(1, units=400, lift=0.0), draw(2, units=500, lift=3.0)
    covariance = np.cov(np.concatenate([one, other]), np.concatenate([one_before, other_before]))
    slope, center = covariance[0, 1] / covariance[1, 1], np.concatenate([one_before, other_before]).mean()
    found = conclusive(adjust_by_covariate(compute_pair_moments(one, one_before), compute_pair_moments(other, other_before)))
    for sample, values in zip(found, (one - slope * (one_before - center), other - slope * (other_before - center)), strict=True):
        assert sample.mean == pytest.approx(values.mean(), rel=1e-12)
        assert sample.variance == pytest.approx(values.var(ddof=1), rel=1e-12)


def test_half_of_the_variance_is_taken_out_and_the_effect_stays() -> None:
    control, treatment = (compute_pair_moments(*draw(seed, units=50_000, lift=lift)) for seed, lift in ((3, 0.0), (4, 0.1)))
    adjusted = estimate_difference(conclusive(build_comparison(*conclusive(adjust_by_covariate(control, treatment)))))
    plain = estimate_difference(conclusive(build_comparison(summarise_mean(control.first), summarise_mean(treatment.first))))
    assert (adjusted.standard_error / plain.standard_error) ** 2 == pytest.approx(0.5, abs=0.02)
    assert adjusted.value == pytest.approx(0.1, abs=4 * adjusted.standard_error)


@given(PAIRS, PAIRS)
def test_the_merged_sample_never_varies_more_than_before(control: np.ndarray, treatment: np.ndarray) -> None:
    arms = [compute_pair_moments(pairs[:, 0].copy(), pairs[:, 1].copy()) for pairs in (control, treatment)]
    found = adjust_by_covariate(*arms)
    if isinstance(found, Inconclusive):
        assert found == Inconclusive("the covariate does not vary")
        return
    pooled = np.concatenate([control, treatment])
    total = sum(sample.variance * (sample.units - 1) for sample in found)
    spread = sum(sample.units * (sample.mean - pooled[:, 0].mean()) ** 2 for sample in found)
    assert total + spread <= ((pooled[:, 0] - pooled[:, 0].mean()) ** 2).sum() * (1 + 1e-9) + 1e-6


def test_what_the_covariate_explains_wholly_does_not_vary() -> None:
    before = np.array([1.0, 2.0, 4.0, 8.0])
    found = conclusive(adjust_by_covariate(compute_pair_moments(0.7 * before, before), compute_pair_moments(0.7 * before, before)))
    assert [sample.variance for sample in found] == [0.0, 0.0]


def test_a_covariate_must_vary_and_arms_must_have_units() -> None:
    still = compute_pair_moments(np.array([1.0, 2.0]), np.array([5.0, 5.0]))
    assert adjust_by_covariate(still, still) == Inconclusive("the covariate does not vary")
    assert adjust_by_covariate(still, compute_pair_moments(np.ones(1), np.ones(1))) == Inconclusive("an arm has fewer than two units")
