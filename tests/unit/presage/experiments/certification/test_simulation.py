"""The simulation against the product's own path: the same statistics at every look, and the same end of every run."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from presage.experiments.certification.drawing import HOURS_A_DAY, LOOKS, History, Trial, draw_history
from presage.experiments.certification.scenarios import SCENARIOS, plan
from presage.experiments.certification.simulation import build_evidence, follow, simulate
from presage.experiments.certification.verdict import Promise, judge
from presage.experiments.decision import Decision, Evidence, decide
from presage.experiments.evidence import (
    ArmEvidence,
    Counted,
    Exposures,
    SampleRatio,
    build_plan_mixture,
    compute_metric_evidence,
    compute_sample_ratio,
)
from presage.experiments.model import VariantStatistics, list_arms

CONVERSION = 3
RATIO = 10
ARMS = 12


@lru_cache
def build_trial(scenario: int, *, with_effect: bool) -> Trial:
    planned = plan(SCENARIOS[scenario], generator=np.random.default_rng(1))
    return planned.with_effect if with_effect else planned.without_effect


def conclude_as_the_product_does(trial: Trial, history: History, run: int) -> tuple[Decision, int, list[list[ArmEvidence]]]:
    """Look every hour, keeping what earlier looks found, and stop at the first conclusion."""
    arms = list_arms(trial.plan)
    seen: list[list[ArmEvidence]] = []
    ratios: list[SampleRatio] = []
    for look in range(LOOKS):
        control, *treatments = (
            VariantStatistics(int(arm.first.units[run, look]), int(valued[run, look]))
            for arm, valued in zip((history.control, *history.arms), history.valued, strict=True)
        )
        found = []
        for place, treatment in enumerate(treatments):
            mixture, past = build_plan_mixture(trial.plan, place), [before[place].primary for before in seen]
            counted = Counted("certified", None, 0, "", control, treatment)
            primary = compute_metric_evidence(counted, plan=trial.plan, mixture=mixture, history=past)
            found.append(ArmEvidence(arms[place].name, mixture, primary, ()))
        counts = [control.units, *(treatment.units for treatment in treatments)]
        ratio = compute_sample_ratio(counts, weights=[arm.weight for arm in arms], history=ratios)
        units = sum(counts)
        decision = decide(trial.plan, Evidence(Exposures(units, units, 0, None, (look + 1) // HOURS_A_DAY), found, ratio))
        seen.append(found)
        ratios.append(ratio)
        if decision.state != "running":
            return decision, look, seen
    raise AssertionError("an experiment whose planned units are counted must be concluded")


@pytest.mark.parametrize("scenario", [CONVERSION, ARMS])
@pytest.mark.parametrize("with_effect", [False, True])
def test_runs_end_as_the_product_ends_them_when_it_looks_every_hour(with_effect: bool, scenario: int) -> None:  # noqa: FBT001 - a case
    trial, runs = build_trial(scenario, with_effect=with_effect), 6
    outcomes = simulate(trial, runs=runs, generator=np.random.default_rng(8))
    history = draw_history(trial, runs=runs, generator=np.random.default_rng(8))
    for run in range(runs):
        decision, look, _ = conclude_as_the_product_does(trial, history, run)
        assert (outcomes.decisions[run], outcomes.looks[run], outcomes.shipped[run]) == (decision.state, look, decision.arm)


@pytest.mark.parametrize("scenario", [CONVERSION, ARMS])
def test_every_look_has_the_products_intervals(scenario: int) -> None:
    trial = build_trial(scenario, with_effect=True)
    history = draw_history(trial, runs=1, generator=np.random.default_rng(8))
    course = follow(trial, history)
    _, _, seen = conclude_as_the_product_does(trial, history, 0)
    for look, of_arms in enumerate(seen):
        evidence = build_evidence(trial, history, course, run=0, look=look)
        for arm, known in zip(evidence.arms, of_arms, strict=True):
            found, expected = arm.primary, known.primary
            assert (arm.arm, found.enough) == (known.arm, expected.enough)
            assert (found.running_interval is None) == (expected.running_interval is None)
            if found.running_interval and expected.running_interval:
                assert found.running_interval.lower == pytest.approx(expected.running_interval.lower, rel=1e-9)
                assert found.running_interval.upper == pytest.approx(expected.running_interval.upper, rel=1e-9)


def test_hours_merged_are_the_units_drawn() -> None:
    trial = build_trial(RATIO, with_effect=True)
    history = draw_history(trial, runs=2, generator=np.random.default_rng(4), looks=12)
    hours = draw_history(trial, runs=2, generator=np.random.default_rng(4), looks=12)
    total = history.control.first.units + history.arms[0].first.units
    np.testing.assert_array_equal(total, trial.units_a_look * np.arange(1, 13) * np.ones((2, 1)))
    np.testing.assert_array_equal(hours.arms[0].products, history.arms[0].products)
    generator = np.random.default_rng(4)
    treated = generator.random((2, 12, trial.units_a_look)) < 0.5
    clicks, sessions = trial.population.draw(generator, np.where(treated, trial.lifts[0], 0.0))
    for run in range(2):
        chosen = treated[run]
        assert history.arms[0].first.mean[run, -1] == pytest.approx(clicks[run][chosen].mean())
        assert history.arms[0].second.squares[run, -1] == pytest.approx(sessions[run][chosen].var() * chosen.sum())
        assert history.valued[1][run, -1] == (clicks[run][chosen] != 0).sum()


def test_an_effect_that_never_was_is_not_shipped_and_a_large_one_is() -> None:
    """200 seeded runs of each."""
    without, with_effect = (
        simulate(build_trial(CONVERSION, with_effect=effect), runs=200, generator=np.random.default_rng(2)) for effect in (False, True)
    )
    assert without.decisions.count("concluded_ship") + without.decisions.count("concluded_rollback") <= 10
    assert with_effect.decisions.count("concluded_ship") >= 140
    assert min(with_effect.looks) >= 7 * HOURS_A_DAY - 1 or "concluded_rollback" in with_effect.decisions


def test_a_product_whose_intervals_are_too_narrow_is_not_certified() -> None:
    """200 seeded runs without an effect, concluded at alpha .7 while .05 is promised."""
    trial = build_trial(CONVERSION, with_effect=False)
    careless = replace(trial, plan=replace(trial.plan, alpha=0.7))
    outcomes = simulate(careless, runs=200, generator=np.random.default_rng(2))
    found = judge("x", without_effect=outcomes, with_effect=outcomes, promise=Promise(0.05, 0.8, 9.0, ("treatment",)))
    assert [share.name for share in found.shares if not share.holds] == ["wrong", "coverage A/A", "coverage A/B", "power"]
