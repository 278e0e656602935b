"""What an experiment's traffic can find, and how long that takes."""

from dataclasses import replace

import pytest

from presage.errors import InvalidInputError
from presage.experiments.model import Metric
from presage.experiments.planning import Aim, Baseline, Traffic, build_design, plan_experiment
from presage.stats.power import compute_power

RATE = Aim(Metric("bought", "conversion", "orders"), effect=0.01)
TENTH = Baseline(0.1, 0.09, 1000)


def test_the_planned_units_find_the_effect_with_the_power_asked_for() -> None:
    outlook = plan_experiment(RATE, baseline=TENTH, traffic=Traffic(2000.0, 7))
    assert outlook.need is not None
    design = build_design(RATE, TENTH, effect=0.01)
    assert compute_power(design, effect=0.01, planned_units=outlook.need.planned_units) == pytest.approx(0.8, abs=1e-4)
    assert outlook.need.days == pytest.approx(outlook.need.planned_units / 2000.0)
    assert outlook.need.expected_units < outlook.need.planned_units
    assert outlook.need.expected_days >= RATE.min_days


def test_four_times_the_days_find_half_the_effect() -> None:
    durations = {found.days: found for found in plan_experiment(RATE, baseline=TENTH, traffic=Traffic(2000.0)).durations}
    assert durations[7].planned_units == 14_000
    assert durations[28].minimum_detectable_effect == pytest.approx(durations[7].minimum_detectable_effect / 2)
    assert durations[7].relative_effect == pytest.approx(durations[7].minimum_detectable_effect / 0.1)


def test_a_rates_variance_follows_its_mean_and_a_sums_does_not() -> None:
    spent = replace(RATE, metric=Metric("spent", "sum", "orders", value_column="amount"))
    assert build_design(RATE, TENTH, effect=0.1).treatment_variance == pytest.approx(0.2 * 0.8)
    assert build_design(spent, Baseline(10.0, 400.0), effect=1.0).treatment_variance == 400.0


def test_several_arms_take_the_units_that_each_ones_comparison_needs() -> None:
    three = replace(RATE, arms=3, treatment_share=0.75)
    alone = replace(RATE, alpha=0.05 / 3)
    found, expected = (plan_experiment(aim, baseline=TENTH, traffic=Traffic(2000.0)) for aim in (three, alone))
    assert found.need is not None
    assert expected.need is not None
    assert found.need.planned_units == 2 * expected.need.planned_units
    assert found.need.expected_units == pytest.approx(2 * expected.need.expected_units)
    assert found.need.days == pytest.approx(2 * expected.need.days)
    assert found.durations[1].minimum_detectable_effect == pytest.approx(expected.durations[0].minimum_detectable_effect)


def test_without_an_effect_only_durations_are_told() -> None:
    outlook = plan_experiment(replace(RATE, effect=None), baseline=TENTH, traffic=Traffic(0.1))
    assert outlook.need is None
    assert [found.days for found in outlook.durations] == [14, 28, 56]


@pytest.mark.parametrize(
    ("aim", "baseline", "traffic", "path"),
    [
        (replace(RATE, alpha=0.6), TENTH, Traffic(1.0), "$.alpha"),
        (replace(RATE, power=0.01), TENTH, Traffic(1.0), "$.power"),
        (replace(RATE, treatment_share=0.0), TENTH, Traffic(1.0), "$.treatment_share"),
        (replace(RATE, arms=6), TENTH, Traffic(1.0), "$.arms"),
        (replace(RATE, arms=0), TENTH, Traffic(1.0), "$.arms"),
        (replace(RATE, min_days=-1), TENTH, Traffic(1.0), "$.min_days"),
        (RATE, Baseline(0.0, 0.0), Traffic(1.0), "$.baseline.variance"),
        (RATE, TENTH, Traffic(0.0), "$.units_a_day"),
        (replace(RATE, effect=-0.1), TENTH, Traffic(1.0), "$.effect"),
    ],
)
def test_what_cannot_be_planned_with_is_named(aim: Aim, baseline: Baseline, traffic: Traffic, path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        plan_experiment(aim, baseline=baseline, traffic=traffic)
    assert caught.value.path == path
