"""Distances, their bounds, and how seldom they alarm for nothing."""

from itertools import pairwise
from math import log, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from presage.drift.comparison import compare_column, compute_alpha_of_day
from presage.training.reference import ColumnReference, build_column_reference, count_bins

REFERENCE = ColumnReference("spent", (10.0, 20.0), (600, 300, 80, 20))


def test_the_distance_is_half_of_what_the_shares_differ_by() -> None:
    found = compare_column(REFERENCE, (200, 400, 300, 100), alpha=0.05)

    assert found.distance == pytest.approx((0.4 + 0.1 + 0.22 + 0.08) / 2)
    deviation = (2 / 1000 * (log(2**4 - 2) - log(0.025))) ** 0.5
    assert (found.lower, found.upper) == pytest.approx((found.distance - deviation, found.distance + deviation))
    assert found.state == "drifted"


def test_the_stability_index_is_the_sum_of_both_divergences() -> None:
    found = compare_column(REFERENCE, (200, 400, 300, 100), alpha=0.05)

    known, now = (np.array(counts) + 0.5 for counts in (REFERENCE.counts, (200, 400, 300, 100)))
    assert found.psi == pytest.approx(entropy(known, now) + entropy(now, known))


@pytest.mark.parametrize(
    ("counts", "state"),
    [((6000, 3000, 800, 200), "steady"), ((6, 3, 1, 0), "undecided"), ((0, 0, 0, 50), "drifted"), ((0, 0, 0, 0), "undecided")],
)
def test_a_sample_is_called_what_it_surely_is(counts: tuple[int, ...], state: str) -> None:
    large = ColumnReference("spent", (10.0, 20.0), (60_000, 30_000, 8_000, 2_000))

    assert compare_column(large, counts, alpha=0.05).state == state


def test_a_trifle_is_no_drift_however_large_the_sample() -> None:
    large = ColumnReference("spent", (10.0,), (5_000_000, 5_000_000, 0))

    assert compare_column(large, (4_900_000, 5_100_000, 0), alpha=0.05).state == "steady"


def test_the_days_together_use_the_chance_up() -> None:
    shares = [compute_alpha_of_day(number, alpha=0.05) for number in range(1, 100_001)]

    assert sum(shares) == pytest.approx(0.05 * (1 - 6 / pi**2 / 100_000), rel=1e-6)
    assert all(later < earlier for earlier, later in pairwise(shares))
    with pytest.raises(ValueError, match="numbered from 1"):
        compute_alpha_of_day(0)


def test_false_alarms_are_as_rare_as_promised_at_the_edge_of_the_tolerance() -> None:
    """The hardest case: a true distance of exactly the tolerance, looked at by small samples, of small bins."""
    generator = np.random.default_rng(7)
    before, now = np.array([0.5, 0.4, 0.1]), np.array([0.6, 0.35, 0.05])
    alarms = 0
    for _ in range(2_000):
        reference = ColumnReference("x", (1.0,), tuple(generator.multinomial(400, before).tolist()))
        alarms += compare_column(reference, tuple(generator.multinomial(300, now).tolist()), alpha=0.05).state == "drifted"
    assert alarms <= 0.05 * 2_000


def test_a_true_drift_is_found() -> None:
    generator = np.random.default_rng(7)
    reference = build_column_reference("x", generator.normal(size=5_000))
    live = count_bins(reference.edges, generator.normal(1.0, 1.0, 2_000))

    assert compare_column(reference, live, alpha=compute_alpha_of_day(365) / 20).state == "drifted"


def test_other_bins_are_refused() -> None:
    with pytest.raises(ValueError, match="4 bins, got 3"):
        compare_column(REFERENCE, (1, 2, 3), alpha=0.05)


def test_deciles_hold_a_tenth_each_and_nulls_are_counted() -> None:
    values = np.array([*range(1_000), *[np.nan] * 50], dtype=np.float64)
    reference = build_column_reference("x", values)

    assert len(reference.edges) == 9
    assert max(reference.counts[:-1]) - min(reference.counts[:-1]) <= 2
    assert reference.counts[-1] == 50


def test_a_column_of_few_values_has_a_bin_for_each() -> None:
    reference = build_column_reference("x", np.array([3.0, 0.0, 0.0, 7.0, 3.0, 3.0]))

    assert (reference.edges, reference.counts) == ((3.0, 7.0), (2, 3, 1, 0))
    assert count_bins(reference.edges, np.array([-1.0, 5.0, 9.0, np.nan])) == (1, 1, 1, 1)


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [4.0, 4.0]])
def test_columns_without_variety_have_one_bin(values: list[float]) -> None:
    reference = build_column_reference("x", np.array(values, dtype=np.float64))

    assert reference.edges == ()
    assert sum(reference.counts) == len(values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=60))
def test_every_value_is_counted_once_and_no_bin_of_the_reference_is_empty(values: list[float]) -> None:
    reference = build_column_reference("x", np.array(values, dtype=np.float64))

    assert sum(reference.counts) == len(values)
    assert min(reference.counts[:-1]) > 0
    assert list(reference.edges) == sorted(set(reference.edges))
