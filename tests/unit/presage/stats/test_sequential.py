import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.effect import Estimate, estimate_difference, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import (
    Interval,
    Mixture,
    build_mixture,
    compute_boundary,
    compute_e_value,
    compute_interval,
    compute_p_value,
    intersect,
    intersect_looks,
)
from tests.unit.presage.stats.samples import CONTROL, TREATMENT, compare_means, compare_shares, conclusive

BOUNDS = st.floats(-1, 1)
INTERVALS = st.builds(lambda a, b: Interval(min(a, b), max(a, b)), BOUNDS, BOUNDS)


def test_rho_equals_the_reference() -> None:
    """confseq tests: the best rho for N = 100 at alpha .05."""
    assert build_mixture(alpha=0.05, planned_units=100).rho == pytest.approx(12.60056, abs=5e-6)


def test_interval_equals_the_reference() -> None:
    """gbstats tests: the sequential interval of a mean, N = 1000, after 3000 + 3461 units."""
    lift = conclusive(estimate_relative_lift(compare_means(CONTROL, TREATMENT)))
    interval = compute_interval(lift, build_mixture(alpha=0.05, planned_units=1000), units=6461.0)
    assert interval.lower == pytest.approx(-0.55844, abs=5e-6)
    assert interval.upper == pytest.approx(1.56516, abs=5e-6)


@pytest.mark.parametrize(("units", "ratio"), [(1000, 1.549), (100, 1.967)])
def test_width_against_a_fixed_horizon(units: int, ratio: float) -> None:
    assert compute_boundary(build_mixture(alpha=0.05, planned_units=1000), units=units) / 1.96 == pytest.approx(ratio, abs=5e-4)


@given(st.floats(-0.9, 0.9), st.floats(1e-4, 1), st.integers(2, 10**7), st.integers(2, 10**6), st.floats(0.001, 0.5))
def test_the_interval_excludes_zero_exactly_when_the_evidence_reaches_one_over_alpha(
    value: float, error: float, units: int, planned: int, alpha: float
) -> None:
    mixture, estimate = build_mixture(alpha=alpha, planned_units=planned), Estimate(value, error)
    interval, evidence = compute_interval(estimate, mixture, units=units), compute_e_value(estimate, mixture, units=units)
    if abs(evidence * alpha - 1.0) > 1e-6:
        assert (interval.lower > 0 or interval.upper < 0) == (evidence > 1.0 / alpha)


@given(st.lists(INTERVALS, min_size=1, max_size=8))
def test_the_running_intersection_lies_in_every_interval(intervals: list[Interval[float]]) -> None:
    found = intersect(intervals)
    if isinstance(found, Inconclusive):
        assert max(interval.lower for interval in intervals) > min(interval.upper for interval in intervals)
    else:
        assert all(interval.lower <= found.lower <= found.upper <= interval.upper for interval in intervals)


def test_no_look_is_no_interval() -> None:
    assert intersect([]) == Inconclusive("no look counted enough units yet")


def test_the_p_value_is_the_smallest_of_all_looks() -> None:
    assert compute_p_value([]) == 1.0
    assert compute_p_value([0.3]) == 1.0
    assert compute_p_value([0.3, 40.0, 2.0]) == pytest.approx(0.025)


def test_overwhelming_evidence_does_not_overflow() -> None:
    mixture = build_mixture(alpha=0.05, planned_units=1000)
    assert compute_e_value(Estimate(1.0, 1e-4), mixture, units=10**6) > 1e290


@pytest.mark.parametrize("units", [0, -1])
def test_units_must_be_positive(units: int) -> None:
    mixture = build_mixture(alpha=0.05, planned_units=1000)
    with pytest.raises(ValueError, match=f"units must be positive, got {units}"):
        compute_boundary(mixture, units=units)
    with pytest.raises(ValueError, match=f"units must be positive, got {units}"):
        compute_e_value(Estimate(0.1, 0.1), mixture, units=units)


@pytest.mark.parametrize(("alpha", "planned"), [(0.0, 100), (1.0, 100), (0.05, 0)])
def test_parameters_must_make_sense(alpha: float, planned: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        build_mixture(alpha=alpha, planned_units=planned)


@given(st.lists(INTERVALS, min_size=1, max_size=8))
def test_looks_side_by_side_intersect_as_looks_one_by_one(intervals: list[Interval[float]]) -> None:
    arrays = Interval(np.array([one.lower for one in intervals]), np.array([one.upper for one in intervals]))
    running = intersect_looks(arrays)
    for look in range(len(intervals)):
        found = intersect(intervals[: look + 1])
        lower, upper = float(running.lower[look]), float(running.upper[look])
        assert isinstance(found, Inconclusive) if lower > upper else found == Interval(lower, upper)


def test_boundaries_and_evidence_of_an_array_are_those_of_its_elements() -> None:
    mixture, units = build_mixture(alpha=0.05, planned_units=1000), np.array([1.0, 500.0, 1e6])
    estimates = Estimate(np.array([0.1, 0.2, 100.0]), np.array([0.1, 0.05, 0.1]))
    boundaries, evidence = compute_boundary(mixture, units=units), compute_e_value(estimates, mixture, units=units)
    for index in range(3):
        one = Estimate(float(estimates.value[index]), float(estimates.standard_error[index]))
        assert boundaries[index] == pytest.approx(compute_boundary(mixture, units=float(units[index])), rel=1e-12)
        assert evidence[index] == pytest.approx(compute_e_value(one, mixture, units=float(units[index])), rel=1e-9)


def test_an_a_a_experiment_rarely_crosses_however_often_it_is_looked_at() -> None:
    """1,000 seeded A/A runs at 10 % conversion, 40 looks each: the error rate stays under alpha (Monte-Carlo error .007)."""
    generator, runs, step, looks = np.random.default_rng(20_260_101), 1_000, 250, 40
    conversions = generator.binomial(step, 0.1, (runs, looks, 2)).cumsum(axis=1)
    mixture = build_mixture(alpha=0.05, planned_units=2 * step * looks)
    wrong = sum(_ever_excludes_zero(path, step, mixture) for path in conversions.tolist())
    assert wrong / runs <= 0.05


def _ever_excludes_zero(path: list[list[int]], step: int, mixture: Mixture) -> bool:
    for look, (control, treatment) in enumerate(path, start=1):
        units = float(step * look)
        if min(control, treatment) < 25:
            continue
        estimate = estimate_difference(compare_shares((units, float(control)), (units, float(treatment))))
        interval = compute_interval(estimate, mixture, units=2 * units)
        if interval.lower > 0 or interval.upper < 0:
            return True
    return False
