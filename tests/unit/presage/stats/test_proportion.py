import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.inconclusive import Inconclusive
from presage.stats.proportion import Estimate, Proportion, estimate_difference, estimate_relative_lift

PROPORTIONS = st.integers(1, 100_000).flatmap(lambda units: st.builds(Proportion, st.just(units), st.integers(0, units)))


def test_relative_lift_of_two_proportions_equals_the_reference() -> None:
    """gbstats tests: 14/28 v 16/30."""
    lift = estimate_relative_lift(Proportion(28, 14), Proportion(30, 16))
    assert isinstance(lift, Estimate)
    assert lift.value == pytest.approx(0.06667, abs=5e-6)
    assert lift.standard_error == pytest.approx(0.2717, abs=5e-5)


def test_difference_of_a_hand_computed_example() -> None:
    difference = estimate_difference(Proportion(100, 50), Proportion(400, 80))
    assert isinstance(difference, Estimate)
    assert difference.value == pytest.approx(-0.3)
    assert difference.standard_error == pytest.approx((0.25 / 100 + 0.16 / 400) ** 0.5)


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (Proportion(0, 0), Proportion(5, 1), "an arm has no units"),
        (Proportion(5, 1), Proportion(0, 0), "an arm has no units"),
        (Proportion(5, 0), Proportion(5, 5), "no variance: in each arm either all or no units converted"),
    ],
)
def test_what_cannot_be_computed_says_why(control: Proportion, treatment: Proportion, reason: str) -> None:
    assert estimate_difference(control, treatment) == Inconclusive(reason)
    assert estimate_relative_lift(control, treatment) == Inconclusive(reason)


def test_a_lift_needs_something_to_relate_to() -> None:
    assert estimate_relative_lift(Proportion(10, 0), Proportion(10, 5)) == Inconclusive("control has no conversions to relate to")


@pytest.mark.parametrize(("units", "conversions"), [(1, 2), (5, -1), (-1, -1)])
def test_impossible_counts_are_refused(units: int, conversions: int) -> None:
    with pytest.raises(ValueError, match=f"{conversions} of {units}"):
        Proportion(units, conversions)


@given(PROPORTIONS, PROPORTIONS)
def test_swapping_the_arms_negates_the_difference(control: Proportion, treatment: Proportion) -> None:
    there, back = estimate_difference(control, treatment), estimate_difference(treatment, control)
    if isinstance(there, Estimate):
        assert isinstance(back, Estimate)
        assert there.value == -back.value
        assert there.standard_error == pytest.approx(back.standard_error)
        assert -1.0 <= there.value <= 1.0
    else:
        assert back == there
