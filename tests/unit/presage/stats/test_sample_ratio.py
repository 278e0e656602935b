import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom, chisquare

from presage.stats.sample_ratio import (
    compute_chi_square_p,
    compute_log_bayes_factor,
    compute_sequential_p,
)

HALVES = (0.5, 0.5)


def test_chi_square_equals_scipy() -> None:
    expected = chisquare([4873, 5327, 4800], [15_000 * share for share in (0.33, 0.34, 0.33)]).pvalue
    assert compute_chi_square_p([4873, 5327, 4800], [0.33, 0.34, 0.33]) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.floats(0.05, 0.95))
def test_the_bayes_factor_of_two_arms_is_beta_binomial_against_binomial(control: int, treatment: int, share: float) -> None:
    """Lindon & Malek: the marginal likelihood under the prior against that of the intended split."""
    total, prior = control + treatment, (10_000 * share, 10_000 * (1 - share))
    expected = betabinom.logpmf(control, total, *prior) - binom.logpmf(control, total, share)
    assert compute_log_bayes_factor([control, treatment], [share, 1 - share]) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_counts_side_by_side_give_the_same_evidence() -> None:
    counts = np.array([[5_000.0, 5_050.0], [700.0, 300.0], [0.0, 0.0]])
    found = compute_log_bayes_factor([counts[:, 0], counts[:, 1]], HALVES)
    expected = [compute_log_bayes_factor(list(row), HALVES) for row in counts.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_without_units_there_is_no_evidence() -> None:
    assert compute_log_bayes_factor([0, 0], HALVES) == pytest.approx(0.0)
    assert compute_sequential_p([]) == 1.0
    with pytest.raises(ValueError, match="at least one unit"):
        compute_chi_square_p([0, 0], HALVES)


@pytest.mark.parametrize(("counts", "mismatch"), [((5000, 5050), False), ((700, 300), True), ((52_000, 50_000), True), ((600, 590), False)])
def test_a_mismatch_is_found_and_a_match_is_not(counts: tuple[int, int], mismatch: bool) -> None:  # noqa: FBT001 - expected value
    assert (compute_sequential_p([compute_log_bayes_factor(counts, HALVES)]) < 0.001) == mismatch


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=5))
def test_arms_may_be_named_in_any_order(counts: list[int]) -> None:
    weights = [1 / len(counts)] * len(counts)
    assert compute_log_bayes_factor(counts, weights) == pytest.approx(compute_log_bayes_factor(counts[::-1], weights), abs=1e-6)


def test_a_true_split_is_rarely_called_a_mismatch_however_often_it_is_looked_at() -> None:
    """1,000 seeded runs of 40 looks: the error rate stays under the threshold of .05."""
    control = np.random.default_rng(3).binomial(250, 0.5, (1_000, 40)).cumsum(axis=1).tolist()
    wrong = 0
    for path in control:
        factors = [compute_log_bayes_factor((count, 250 * look - count), HALVES) for look, count in enumerate(path, start=1)]
        wrong += compute_sequential_p(factors) < 0.05
    assert wrong <= 50


@pytest.mark.parametrize(
    ("counts", "weights", "message"),
    [([1], [1.0], "one weight"), ([1, 2], [1.0], "one weight"), ([-1, 2], [0.5, 0.5], "negative"), ([1, 2], [0.5, 0.6], "sum to 1")],
)
def test_malformed_arms_are_refused(counts: list[int], weights: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compute_log_bayes_factor(counts, weights)
