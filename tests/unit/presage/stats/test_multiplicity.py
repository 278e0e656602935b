from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.stats.multiplicity import adjust_by_holm, select_by_e_bh

P_VALUES = st.lists(st.floats(0, 1), max_size=8)
E_VALUES = st.lists(st.floats(0, 1e6), max_size=8)


def test_holm_of_a_hand_computed_example() -> None:
    assert adjust_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_by_holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    for plain, adjusted in zip(p_values, adjust_by_holm(p_values), strict=True):
        assert plain <= adjusted <= min(1.0, len(p_values) * plain)


@given(P_VALUES, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order(p_values: list[float], random: Random) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = adjust_by_holm([p_values[index] for index in order])
    assert [shuffled[order.index(index)] for index in range(len(order))] == adjust_by_holm(p_values)


def test_e_bh_of_a_hand_computed_example() -> None:
    """Four metrics at .05: one needs 80, two need 40 each, three 26.7, four 20."""
    assert select_by_e_bh([30.0, 79.0, 1.0, 28.0], alpha=0.05) == [True, True, False, True]
    assert select_by_e_bh([30.0, 79.0, 1.0, 2.0], alpha=0.05) == [False] * 4
    assert select_by_e_bh([], alpha=0.05) == []


@given(E_VALUES, st.floats(0.01, 0.5))
def test_e_bh_selects_the_largest_and_all_that_bonferroni_would(e_values: list[float], alpha: float) -> None:
    selected = select_by_e_bh(e_values, alpha=alpha)
    least = min((value for value, chosen in zip(e_values, selected, strict=True) if chosen), default=np.inf)
    assert all(chosen == (value >= least) for value, chosen in zip(e_values, selected, strict=True))
    assert all(chosen for value, chosen in zip(e_values, selected, strict=True) if value >= len(e_values) / alpha)


def test_false_discoveries_of_dependent_e_values_stay_below_alpha() -> None:
    """5,000 seeded draws of 10 metrics, 5 of them without effect, likelihood ratios of correlated normal scores."""
    generator = np.random.default_rng(5)
    shift, effects = 3.0, np.repeat([0.0, 1.0], 5)
    scores = 0.8 * generator.standard_normal((5_000, 1)) + 0.6 * generator.standard_normal((5_000, 10)) + shift * effects
    shares = []
    for values in np.exp(shift * scores - shift**2 / 2.0).tolist():
        chosen = np.array(select_by_e_bh(values, alpha=0.1))
        shares.append((chosen & (effects == 0.0)).sum() / max(1, chosen.sum()))
    assert 0.0 < np.mean(shares) <= 0.1


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_p_values_are_probabilities(value: float) -> None:
    with pytest.raises(ValueError, match="p-values must be in"):
        adjust_by_holm([0.5, value])


def test_e_values_are_not_negative_and_alpha_is_a_rate() -> None:
    with pytest.raises(ValueError, match="e-values must not be negative"):
        select_by_e_bh([-1.0], alpha=0.05)
    with pytest.raises(ValueError, match="alpha must be in"):
        select_by_e_bh([1.0], alpha=0.0)
