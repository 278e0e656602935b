from math import sqrt

import numpy as np
import pytest

from presage.experiments.certification.populations import Conversion
from presage.experiments.certification.scenarios import SCENARIOS, Scenario
from presage.stats.effect import Sample
from presage.stats.moments import Moments, PairMoments, compute_pair_moments
from tests.unit.presage.stats.samples import conclusive

UNITS = 400_000


def is_mean(sample: Sample[float], expected: float) -> bool:
    """Return whether the mean may be as expected: within 4.5 of its standard errors."""
    return abs(sample.mean - expected) < 4.5 * sqrt(sample.variance / sample.units)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_units_have_the_mean_and_the_lift_that_the_truth_is_made_of(scenario: Scenario) -> None:
    generator = np.random.default_rng(1)
    control, treatment = (compute_pair_moments(*scenario.population.draw(generator, np.full(UNITS, lift))) for lift in (0.0, scenario.lift))
    samples = conclusive(scenario.population.compare(control, treatment))
    assert is_mean(samples.control, scenario.population.mean)
    assert is_mean(samples.treatment, scenario.population.mean * (1.0 + scenario.lift))


def test_counts_of_conversions_are_those_of_drawn_units() -> None:
    units = np.full((200, 50), 100)
    found = Conversion(0.2).draw_counts(np.random.default_rng(3), units, lift=0.5)
    total = found.first.units * found.first.mean
    np.testing.assert_allclose(found.first.squares, total * (1.0 - total / 100.0), atol=1e-9)
    assert total.mean() == pytest.approx(30.0, abs=0.2)
    assert total.var() == pytest.approx(21.0, abs=1.0)


def test_the_hours_of_an_empty_arm_are_no_units() -> None:
    found = Conversion(0.2).draw_counts(np.random.default_rng(3), np.zeros((1, 2), dtype=np.int64), lift=0.0)
    nothing = Moments(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)))
    np.testing.assert_equal(found.first.squares, PairMoments(nothing, nothing, nothing.units).first.squares)
