import pytest

from presage.off_policy.chances import build_chances
from presage.off_policy.reward_model import FOLDS, PRIOR_SHOWINGS, RewardModel, choose_fold, cross_fit, fit_reward_model
from presage.predictions.exploration import Exploration

UNITS = [f"u{number}" for number in range(200)]


def test_rates_are_drawn_to_the_overall_rate() -> None:
    showings = [("a", 0, 1.0)] * 30 + [("b", 0, 0.0)] * 30 + [("a", 1, 0.0)] * 40
    model = fit_reward_model(showings)
    assert model.overall == pytest.approx(0.3)
    rate = (30 + PRIOR_SHOWINGS * 0.3) / (70 + PRIOR_SHOWINGS)
    examination = (30 + PRIOR_SHOWINGS * 0.3) / (60 + PRIOR_SHOWINGS) / 0.3
    assert model.predict("a", 0) == pytest.approx(rate * examination)
    assert model.predict("unknown", 7) == pytest.approx(0.3)


def test_without_showings_or_hits_nothing_is_expected() -> None:
    assert fit_reward_model([]).predict("a", 0) == 0.0
    assert fit_reward_model([("a", 0, 0.0)]).predict("a", 0) == 0.0


@pytest.mark.parametrize("exploration", [None, Exploration(0.4), Exploration(0.4, 2), Exploration(1.0, 3)])
def test_what_a_list_is_expected_to_earn_is_the_sum_over_its_chances(exploration: Exploration | None) -> None:
    model = RewardModel(0.1, {"a": 0.5, "b": 0.3, "c": 0.2}, (1.0, 0.5))
    ranked = ("a", "b", "c", "d")
    chances = build_chances(ranked, length=3, exploration=exploration)
    by_chance = sum(chances.compute_probability(item, place) * model.predict(item, place) for item in ranked for place in range(3))
    assert model.expect(chances) == pytest.approx(by_chance)


def test_a_unit_is_predicted_from_others_only() -> None:
    showings = [[("a", 0, 1.0 if unit == "u7" else 0.0)] for unit in UNITS]
    models = cross_fit(UNITS, showings)
    assert models[choose_fold("u7")].predict("a", 0) == 0.0
    assert all(model.predict("a", 0) > 0.0 for fold, model in enumerate(models) if fold != choose_fold("u7"))
    assert {choose_fold(unit) for unit in UNITS} == set(range(FOLDS))
