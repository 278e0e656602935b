from math import log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from presage.stats.effect import Comparison, Sample, build_comparison, estimate_difference, estimate_log_ratio, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.proportion import summarise_proportion
from tests.unit.presage.stats.samples import CONTROL, SAMPLES, TREATMENT, compare_means, compare_shares, conclusive


def test_relative_lift_of_two_proportions_equals_the_reference() -> None:
    """gbstats tests: 14/28 v 16/30."""
    lift = conclusive(estimate_relative_lift(compare_shares((28.0, 14.0), (30.0, 16.0))))
    assert lift.value == pytest.approx(0.06667, abs=5e-6)
    assert lift.standard_error == pytest.approx(0.2717, abs=5e-5)


def test_relative_lift_of_two_means_equals_the_reference() -> None:
    """gbstats tests: a mean, relative."""
    lift = conclusive(estimate_relative_lift(compare_means(CONTROL, TREATMENT)))
    assert lift.value == pytest.approx(0.50336, abs=5e-6)
    assert lift.standard_error == pytest.approx(0.33341, abs=5e-6)


def test_difference_of_a_hand_computed_example() -> None:
    difference = estimate_difference(compare_shares((100.0, 50.0), (400.0, 80.0)))
    assert difference.value == pytest.approx(-0.3)
    assert difference.standard_error == pytest.approx(sqrt(0.25 / 100 + 0.16 / 400))


def test_log_ratio_of_a_hand_computed_example() -> None:
    """Katz et al.: the log risk ratio's variance is 1/x - 1/m + 1/y - 1/n."""
    ratio = conclusive(estimate_log_ratio(compare_shares((100.0, 10.0), (80.0, 16.0))))
    assert ratio.value == pytest.approx(log(2.0))
    assert ratio.standard_error == pytest.approx(sqrt(1 / 10 - 1 / 100 + 1 / 16 - 1 / 80))


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        ((0.0, 0.0), (5.0, 1.0), "an arm has no units"),
        ((5.0, 1.0), (0.0, 0.0), "an arm has no units"),
        ((5.0, 0.0), (5.0, 5.0), "no variance: in each arm all units have the same value"),
    ],
)
def test_what_cannot_be_compared_says_why(control: tuple[float, float], treatment: tuple[float, float], reason: str) -> None:
    assert build_comparison(summarise_proportion(*control), summarise_proportion(*treatment)) == Inconclusive(reason)


def test_a_ratio_needs_something_to_relate_to() -> None:
    samples = compare_shares((10.0, 0.0), (10.0, 5.0))
    assert estimate_relative_lift(samples) == Inconclusive("control's mean is 0: there is nothing to relate to")
    assert estimate_log_ratio(samples) == Inconclusive("a log-ratio needs both means above 0")
    assert estimate_log_ratio(compare_shares((10.0, 5.0), (10.0, 0.0))) == Inconclusive("a log-ratio needs both means above 0")


@given(SAMPLES, SAMPLES)
def test_swapping_the_arms_negates_difference_and_log_ratio(control: Sample[float], treatment: Sample[float]) -> None:
    assume(control.variance > 0.0 and treatment.variance > 0.0)
    for estimate in (estimate_difference, estimate_log_ratio):
        there, back = estimate(Comparison(control, treatment)), estimate(Comparison(treatment, control))
        assert conclusive(there).value == pytest.approx(-conclusive(back).value, abs=1e-12)
        assert conclusive(there).standard_error == pytest.approx(conclusive(back).standard_error)


@given(SAMPLES, SAMPLES, st.floats(1e-3, 1e3))
def test_the_unit_of_a_metric_does_not_matter(control: Sample[float], treatment: Sample[float], scale: float) -> None:
    assume(control.variance > 0.0 and treatment.variance > 0.0)

    def rescale(sample: Sample[float]) -> Sample[float]:
        return Sample(sample.units, scale * sample.mean, scale * scale * sample.variance)

    before, after = Comparison(control, treatment), Comparison(rescale(control), rescale(treatment))
    assert estimate_difference(after).value == pytest.approx(scale * estimate_difference(before).value, abs=1e-9 * scale)
    assert conclusive(estimate_log_ratio(after)).value == pytest.approx(conclusive(estimate_log_ratio(before)).value, abs=1e-9)
    lifts = [conclusive(estimate_relative_lift(samples)) for samples in (before, after)]
    assert lifts[0].standard_error == pytest.approx(lifts[1].standard_error)


@given(st.lists(st.tuples(SAMPLES, SAMPLES), min_size=1, max_size=5))
def test_an_array_gives_what_its_elements_give(pairs: list[tuple[Sample[float], Sample[float]]]) -> None:
    pairs = [pair for pair in pairs if min(sample.variance for sample in pair) > 0.0]
    assume(pairs)
    arms = [
        Sample(*(np.array(values) for values in zip(*[(s.units, s.mean, s.variance) for s in arm], strict=True)))
        for arm in zip(*pairs, strict=True)
    ]
    together = conclusive(build_comparison(arms[0], arms[1]))
    for estimate in (estimate_difference, estimate_relative_lift, estimate_log_ratio):
        found = conclusive(estimate(together))
        singly = [conclusive(estimate(Comparison(*pair))) for pair in pairs]
        np.testing.assert_allclose(found.value, [one.value for one in singly], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found.standard_error, [one.standard_error for one in singly], rtol=1e-12)


def test_an_array_is_inconclusive_as_soon_as_one_element_is() -> None:
    units = np.array([10.0, 0.0])
    assert summarise_proportion(units, np.array([5.0, 0.0])) == Inconclusive("an arm has no units")
