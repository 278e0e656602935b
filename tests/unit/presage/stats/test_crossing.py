from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from presage.stats.crossing import build_score_path, compute_crossings


def cross(quantiles: list[float], *, drift: float = 0.0) -> float:
    looks = len(quantiles)
    found = compute_crossings(build_score_path(np.arange(1, looks + 1) / looks, np.array(quantiles)), drift=drift)
    return float((found.upper + found.lower).sum())


@pytest.mark.parametrize(
    ("looks", "rate"), [(1, 0.050), (2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320), (100, 0.374), (200, 0.424)]
)
def test_naive_peeking_is_wrong_as_often_as_published(looks: int, rate: float) -> None:
    """Armitage, McPherson & Rowe 1969: why a fixed 1.96 will not do."""
    assert cross([1.96] * looks) == pytest.approx(rate, abs=5e-4)


@pytest.mark.parametrize("quantiles", [[4.562, 3.226, 2.634, 2.281, 2.040], [2.413] * 5])
def test_textbook_boundaries_are_crossed_as_often_as_they_are_made_for(quantiles: list[float]) -> None:
    """O'Brien-Fleming and Pocock, 5 looks."""
    assert cross(quantiles) == pytest.approx(0.05, abs=5e-5)


@settings(max_examples=25)
@given(st.floats(0.1, 4.0), st.floats(-4.0, 4.0))
def test_one_look_is_a_normal_test(quantile: float, drift: float) -> None:
    assert cross([quantile], drift=drift) == pytest.approx(norm.sf(quantile - drift) + norm.cdf(-quantile - drift), abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_path_is_crossed_as_often_as_in_simulation(seed: int) -> None:
    """20,000 seeded walks with uneven looks and a drift."""
    generator = np.random.default_rng(seed)
    times = generator.uniform(0.05, 0.3, 8).cumsum()
    quantiles, drift = generator.uniform(1.5, 3.0, 8), float(generator.uniform(-2.0, 2.0))
    steps = np.diff(times, prepend=0.0)
    scores = (generator.standard_normal((20_000, 8)) * np.sqrt(steps) + drift * steps).cumsum(axis=1) / np.sqrt(times)
    above, below = scores > quantiles, scores < -quantiles
    first = np.where((above | below).any(axis=1), (above | below).argmax(axis=1), -1)
    crossings = compute_crossings(build_score_path(times, quantiles), drift=drift)
    for look in range(8):
        for found, side in ((crossings.upper[look], above), (crossings.lower[look], below)):
            seen = float(((first == look) & side[:, look]).mean())
            assert seen == pytest.approx(found, abs=4.5 * sqrt(found * (1 - found) / 20_000) + 1e-4)


@pytest.mark.parametrize(
    ("times", "quantiles", "message"),
    [
        ([1.0, 1.0], [2.0, 2.0], "must rise"),
        ([0.0, 1.0], [2.0, 2.0], "must rise"),
        ([0.5, 1.0], [2.0, 0.0], "above 0"),
        ([1.0], [], "one quantile"),
    ],
)
def test_a_path_needs_rising_times_and_boundaries(times: list[float], quantiles: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_score_path(np.array(times), np.array(quantiles))
