from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presage.stats.inconclusive import Inconclusive
from presage.stats.power import (
    LOOKS,
    Design,
    compute_expected_days,
    compute_expected_units,
    compute_minimum_detectable_effect,
    compute_power,
    plan_units,
)
from presage.stats.sequential import build_mixture, compute_boundary
from tests.unit.presage.stats.samples import conclusive

DESIGN = Design(0.05, 0.5, 1.0, 1.0)
EFFECTS = st.floats(0.01, 1.0)
POWERS = st.sampled_from([0.5, 0.8, 0.95])


@settings(max_examples=25)  # a path is integrated once
@given(EFFECTS, POWERS, st.floats(0.1, 0.9), st.floats(0.1, 10.0))
def test_planned_units_have_the_planned_power_and_one_fewer_has_not(effect: float, power: float, share: float, variance: float) -> None:
    design = Design(0.05, share, 1.0, variance)
    units = conclusive(plan_units(design, effect=-effect, power=power))
    assert compute_power(design, effect=effect, planned_units=units) >= power - 1e-8
    assert compute_power(design, effect=effect, planned_units=units - 1) <= power + 1e-8


@settings(max_examples=25)
@given(st.integers(100, 10**7), POWERS)
def test_the_smallest_detectable_effect_needs_the_units_it_was_asked_for(units: int, power: float) -> None:
    effect = compute_minimum_detectable_effect(DESIGN, planned_units=units, power=power)
    assert abs(conclusive(plan_units(DESIGN, effect=effect, power=power)) - units) <= 1


def test_power_equals_simulation() -> None:
    """4,000 seeded experiments of standard normal units, looked at as often as planning reckons with."""
    effect, units, runs = 0.1, 4_000, 4_000
    step = units // LOOKS // 2
    generator = np.random.default_rng(11)
    sums = (generator.standard_normal((runs, LOOKS, 2)) * sqrt(step) + step * np.array([0.0, effect])).cumsum(axis=1)
    arm = step * np.arange(1.0, LOOKS + 1)
    scores = (sums[:, :, 1] - sums[:, :, 0]) / arm / np.sqrt(2.0 / arm)
    boundary = compute_boundary(build_mixture(alpha=0.05, planned_units=units), units=2 * arm)
    crossed = np.abs(scores) > boundary
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), LOOKS - 1)
    power = compute_power(DESIGN, effect=effect, planned_units=units)
    assert float((crossed.any(axis=1)).mean()) == pytest.approx(power, abs=4 * sqrt(power * (1 - power) / runs))
    expected = compute_expected_units(DESIGN, effect=effect, planned_units=units)
    spent = 2 * arm[first]
    assert float(spent.mean()) == pytest.approx(expected, abs=4 * float(spent.std()) / sqrt(runs))


@settings(max_examples=20)
@given(EFFECTS, st.integers(100, 10**5))
def test_a_larger_effect_is_found_more_often_and_sooner(effect: float, units: int) -> None:
    assert (
        compute_power(DESIGN, effect=1.1 * effect, planned_units=units) >= compute_power(DESIGN, effect=effect, planned_units=units) - 1e-9
    )
    later = compute_expected_units(DESIGN, effect=effect, planned_units=units)
    assert compute_expected_units(DESIGN, effect=1.1 * effect, planned_units=units) <= later + 1e-6 * units
    assert later <= units


def test_without_an_effect_errors_stay_below_alpha() -> None:
    """Half of alpha on each side, and less, as the sequence goes on beyond the planned units."""
    assert 0.0 < compute_power(DESIGN, effect=0.0, planned_units=10_000) < 0.025
    assert plan_units(DESIGN, effect=0.0, power=0.8) == Inconclusive("no number of units finds an effect of 0")


def test_the_duration_is_never_under_the_minimum_of_days_nor_over_the_planned_units() -> None:
    def count_days(effect: float, a_day: float) -> float:
        return conclusive(compute_expected_days(DESIGN, effect=effect, planned_units=10_000, units_a_day=a_day, min_days=7.0))

    assert count_days(1.0, 1_000.0) == pytest.approx(7.0)
    assert count_days(0.0, 500.0) == pytest.approx(20.0, rel=0.02)
    assert 7.0 < count_days(0.07, 500.0) < 20.0
    assert count_days(0.07, 100_000.0) == pytest.approx(7.0)
    without = compute_expected_days(DESIGN, effect=0.1, planned_units=10_000, units_a_day=0.0, min_days=7.0)
    assert without == Inconclusive("no units arrive")


def test_an_uneven_split_needs_more_units() -> None:
    even, uneven = (conclusive(plan_units(Design(0.05, share, 1.0, 1.0), effect=0.1, power=0.8)) for share in (0.5, 0.1))
    assert uneven / even == pytest.approx(0.25 / 0.09, rel=1e-3)


@pytest.mark.parametrize("design", [(0.0, 0.5, 1.0, 1.0), (0.05, 1.0, 1.0, 1.0), (0.05, 0.5, -1.0, 1.0), (0.05, 0.5, 0.0, 0.0)])
def test_a_design_must_make_sense(design: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Design(*design)


def test_plans_must_make_sense() -> None:
    for power in (0.025, 1.0):
        with pytest.raises(ValueError, match="power must be in"):
            plan_units(DESIGN, effect=0.1, power=power)
    with pytest.raises(ValueError, match="planned_units must be positive"):
        compute_power(DESIGN, effect=0.1, planned_units=0)
    with pytest.raises(ValueError, match="planned_units must be positive"):
        compute_minimum_detectable_effect(DESIGN, planned_units=0, power=0.8)
    with pytest.raises(ValueError, match="planned_units must be positive"):
        compute_expected_units(DESIGN, effect=0.1, planned_units=0)
