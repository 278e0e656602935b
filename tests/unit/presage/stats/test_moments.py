from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import (
    Moments,
    PairMoments,
    build_moments,
    build_pair_moments,
    compute_moments,
    compute_pair_moments,
    merge_moments,
    merge_pair_moments,
    summarise_mean,
)
from tests.unit.presage.stats.samples import MOMENTS, VALUES, conclusive

NOTHING = Moments(0.0, 0.0, 0.0)
PAIRS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=40).map(np.array)


def assert_close(found: Moments[float], expected: Moments[float], *, largest: float = 1e6) -> None:
    assert found.units == expected.units
    assert found.mean == pytest.approx(expected.mean, rel=1e-11, abs=1e-11 * largest)
    assert found.squares == pytest.approx(expected.squares, rel=1e-9, abs=1e-9 * largest)


@given(VALUES)
def test_moments_equal_numpy(values: Array) -> None:
    sample = conclusive(summarise_mean(compute_moments(values)))
    assert sample.mean == pytest.approx(values.mean(), abs=1e-9)
    assert sample.variance == pytest.approx(values.var(ddof=1), rel=1e-9, abs=1e-9)


@given(PAIRS)
def test_products_equal_numpy(pairs: Array) -> None:
    found = compute_pair_moments(pairs[:, 0].copy(), pairs[:, 1].copy())
    expected = ((pairs[:, 0] - pairs[:, 0].mean()) * (pairs[:, 1] - pairs[:, 1].mean())).sum()
    assert found.products == pytest.approx(expected, rel=1e-9, abs=1e-2)


@given(MOMENTS, MOMENTS)
def test_merging_commutes_exactly(one: Moments[float], other: Moments[float]) -> None:
    assert merge_moments(one, other) == merge_moments(other, one)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_merging_associates_but_for_rounding(one: Moments[float], two: Moments[float], three: Moments[float]) -> None:
    assert_close(merge_moments(merge_moments(one, two), three), merge_moments(one, merge_moments(two, three)))


@given(MOMENTS)
def test_nothing_changes_nothing(moments: Moments[float]) -> None:
    assert_close(merge_moments(moments, NOTHING), moments)
    assert merge_moments(NOTHING, NOTHING) == NOTHING


@given(VALUES, st.lists(st.integers(0, 40), max_size=6))
def test_merging_pieces_equals_computing_at_once(values: Array, cuts: list[int]) -> None:
    pieces = np.split(values, sorted(min(cut, values.size) for cut in cuts))
    assert_close(reduce(merge_moments, map(compute_moments, pieces)), compute_moments(values))


@given(PAIRS, st.integers(0, 40))
def test_merging_pairs_equals_computing_at_once(pairs: Array, cut: int) -> None:
    first, second = pairs[:, 0].copy(), pairs[:, 1].copy()
    whole = compute_pair_moments(first, second)
    pieces = [compute_pair_moments(first[:cut], second[:cut]), compute_pair_moments(first[cut:], second[cut:])]
    found = merge_pair_moments(*pieces)
    assert found.products == pytest.approx(whole.products, rel=1e-9, abs=1e-2)
    assert merge_pair_moments(*pieces[::-1]) == found


def test_merging_ten_thousand_hours_keeps_thirteen_digits() -> None:
    """Values whose mean is a billion deviations away: sums of squares would have lost every digit of the variance."""
    values = np.random.default_rng(1).standard_normal((10_000, 20)) + 1e9
    found = reduce(merge_moments, (compute_moments(hour) for hour in values))
    exact = compute_moments((values - 1e9).ravel())
    assert found.mean - 1e9 == pytest.approx(exact.mean, abs=1e-5)
    assert found.squares == pytest.approx(exact.squares, rel=1e-7)


@given(VALUES, st.floats(-1e6, 1e6))
def test_sums_around_any_shift_give_the_same_moments(values: Array, shift: float) -> None:
    moved = values - shift
    found = build_moments(float(values.size), total=float(moved.sum()), total_squares=float(moved @ moved), shift=shift)
    expected = compute_moments(values)
    rounding = values.size * float(np.spacing(np.abs(values).max())) ** 2
    assert found.mean == pytest.approx(expected.mean, abs=1e-8)
    assert found.squares == pytest.approx(expected.squares, rel=1e-9, abs=1e-11 * float(moved @ moved) + rounding)


@given(PAIRS, st.floats(-1e3, 1e3))
def test_sums_of_products_around_any_shift_give_the_same_moments(pairs: Array, shift: float) -> None:
    first, second = pairs[:, 0].copy(), pairs[:, 1].copy()
    expected = compute_pair_moments(first, second)
    product = float((first - shift) @ (second + shift))
    found = build_pair_moments(expected.first, expected.second, product=product, shifts=(shift, -shift))
    largest = float(np.abs(pairs).max()) + abs(shift)
    rounding = 64 * float(np.finfo(float).eps) * len(pairs) * largest**2  # of a sum of at most 40 products, thrice
    assert found.products == pytest.approx(expected.products, rel=1e-9, abs=rounding)


def test_a_shift_near_the_mean_saves_the_digits() -> None:
    values = np.random.default_rng(2).standard_normal(10_000) + 1e8
    moved = values - 1e8
    near = build_moments(1e4, total=float(moved.sum()), total_squares=float(moved @ moved), shift=1e8)
    assert near.squares == pytest.approx(compute_moments(moved).squares, rel=1e-12)


@pytest.mark.parametrize("units", [0.0, 1.0])
def test_fewer_than_two_units_have_no_variance(units: float) -> None:
    assert summarise_mean(Moments(units, 0.0, 0.0)) == Inconclusive("an arm has fewer than two units")


@pytest.mark.parametrize(
    ("units", "total", "squares", "message"),
    [
        (0.0, 1.0, 0.0, "without units"),
        (2.0, 10.0, 1.0, "too small"),
        (-1.0, 0.0, 0.0, "negative"),
        (2.0, float("inf"), float("inf"), "finite"),
    ],
)
def test_sums_that_no_sample_has_are_refused(units: float, total: float, squares: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_moments(units, total=total, total_squares=squares, shift=0.0)


@pytest.mark.parametrize(("units", "mean", "squares"), [(1.0, float("nan"), 0.0), (1.0, 0.0, -1.0), (-1.0, 0.0, 0.0)])
def test_moments_that_no_sample_has_are_refused(units: float, mean: float, squares: float) -> None:
    with pytest.raises(ValueError, match="must"):
        Moments(units, mean, squares)


def test_a_pair_is_of_the_same_units() -> None:
    with pytest.raises(ValueError, match="same units"):
        PairMoments(Moments(1.0, 0.0, 0.0), Moments(2.0, 0.0, 0.0), 0.0)
    with pytest.raises(ValueError, match="same units"):
        compute_pair_moments(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="products must be finite"):
        PairMoments(Moments(1.0, 0.0, 0.0), Moments(1.0, 0.0, 0.0), float("nan"))


def test_arrays_merge_element_by_element() -> None:
    generator = np.random.default_rng(3)
    hours = generator.standard_normal((2, 5, 7))
    arrays = [Moments(np.full(5, 7.0), hour.mean(axis=1), ((hour - hour.mean(axis=1)[:, None]) ** 2).sum(axis=1)) for hour in hours]
    found = merge_moments(*arrays)
    for run in range(5):
        one = merge_moments(compute_moments(hours[0, run]), compute_moments(hours[1, run]))
        assert_close(Moments(float(found.units[run]), float(found.mean[run]), float(found.squares[run])), one)
