"""Samples that the tests of statistics share: published ones, and strategies for random ones."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from presage.stats.effect import Comparison, build_comparison
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import Moments, PairMoments, build_moments, build_pair_moments, compute_moments, summarise_mean
from presage.stats.proportion import summarise_proportion

Found = TypeVar("Found")

CONTROL = build_moments(3000.0, total=1396.87, total_squares=52377.9767, shift=0.0)
LARGER_CONTROL = build_moments(3407.0, total=1396.87, total_squares=52377.9767, shift=0.0)
TREATMENT = build_moments(3461.0, total=2422.7, total_squares=134698.29, shift=0.0)
"""gbstats tests: means."""

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40).map(lambda values: np.array(values, dtype=np.float64))
MOMENTS = VALUES.map(compute_moments)
PROPORTIONS = st.integers(1, 100_000).flatmap(lambda units: st.tuples(st.just(float(units)), st.integers(0, units).map(float)))
SAMPLES = PROPORTIONS.map(lambda counts: conclusive(summarise_proportion(*counts)))


def conclusive(found: Found | Inconclusive) -> Found:
    """Return what was found, or fail with the reason that it was not."""
    assert not isinstance(found, Inconclusive), found.reason
    return found


def compare_means(control: Moments[float], treatment: Moments[float]) -> Comparison[float]:
    return conclusive(build_comparison(summarise_mean(control), summarise_mean(treatment)))


def compare_shares(control: tuple[float, float], treatment: tuple[float, float]) -> Comparison[float]:
    """Compare (units, conversions)."""
    return conclusive(build_comparison(summarise_proportion(*control), summarise_proportion(*treatment)))


def build_pair(units: float, sums: tuple[float, float], squares: tuple[float, float], product: float) -> PairMoments[float]:
    """Return moments from plain sums of two values."""
    first = build_moments(units, total=sums[0], total_squares=squares[0], shift=0.0)
    second = build_moments(units, total=sums[1], total_squares=squares[1], shift=0.0)
    return build_pair_moments(first, second, product=product, shifts=(0.0, 0.0))
