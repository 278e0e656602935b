"""What is certified: each kind of metric under an effect that its planned units find with the planned power, and under none."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np

from presage.experiments.certification.drawing import LOOKS, Scale, Trial
from presage.experiments.certification.populations import ClickRate, Conversion, Count, Duration, Habit, Population, Revenue
from presage.experiments.certification.simulation import build_plan
from presage.stats.inconclusive import require_conclusive
from presage.stats.moments import compute_pair_moments, merge_pair_moments
from presage.stats.power import Design, compute_expected_days, plan_units

ALPHA = 0.05
POWER = 0.8
PILOT_UNITS = 1_000_000
"""Units of each variant that the variance to plan with is taken from, in pieces of `PILOT_PIECE`."""
PILOT_PIECE = 250_000


@dataclass(frozen=True)
class Scenario:
    """A kind of metric, the lift that its experiment is planned for, the scale that is decided on, and how many arms there are.

    With an effect, the first arm has it and the others have none.
    """

    name: str
    population: Population
    lift: float
    scale: Scale = "difference"
    arms: int = 1


SCENARIOS = (
    Scenario("conversion 0.4 %", Conversion(0.004), 0.6),
    Scenario("conversion 1 %", Conversion(0.01), 0.4),
    Scenario("conversion 1 %, log-ratio", Conversion(0.01), 0.4, "log_ratio"),
    Scenario("conversion 10 %", Conversion(0.1), 0.12),
    Scenario("conversion 50 %", Conversion(0.5), 0.06),
    Scenario("mean", Duration(2.0, 30.0), 0.05),
    Scenario("count", Count(0.8, 0.5), 0.12),
    Scenario("revenue, capped", Revenue(0.1, 1.5, 0.99), 0.3),
    Scenario("revenue, capped, log-ratio", Revenue(0.1, 1.5, 0.99), 0.3, "log_ratio"),
    Scenario("revenue, no cap that matters", Revenue(0.1, 1.2, 0.99999), 0.3),
    Scenario("ratio", ClickRate(0.2, 4.0, 5.0), 0.06),
    Scenario("mean with CUPED", Habit(5.0, 0.7), 0.015),
    Scenario("conversion 10 %, 3 arms", Conversion(0.1), 0.12, arms=3),
    Scenario("revenue, capped, 2 arms", Revenue(0.1, 1.5, 0.99), 0.3, arms=2),
)


@dataclass(frozen=True)
class Planned:
    """A scenario with its trials, and the days that planning expects an experiment with the effect to take."""

    scenario: Scenario
    without_effect: Trial
    with_effect: Trial
    expected_days: float


def plan(scenario: Scenario, *, generator: np.random.Generator) -> Planned:
    """Return the scenario's trials with as many units as the planned power needs for the comparison of an arm with control.

    Raises:
        ArithmeticError: The scenario cannot be planned.
    """
    design = _measure_design(scenario, generator=generator)
    effect = log(1.0 + scenario.lift) if scenario.scale == "log_ratio" else scenario.population.mean * scenario.lift
    units = require_conclusive(plan_units(design, effect=effect, power=POWER), what=f"the plan of {scenario.name}")
    compared = 2.0 / (1 + scenario.arms)
    units_a_look = ceil(units / compared / LOOKS)
    trial_plan = build_plan(planned_units=units_a_look * LOOKS, alpha=ALPHA, minimum_effect=effect / 2.0, arms=scenario.arms)
    days = compute_expected_days(
        design, effect=effect, planned_units=units, units_a_day=units_a_look * 24.0 * compared, min_days=trial_plan.gates.min_days
    )
    unmoved = (0.0,) * (scenario.arms - 1)
    trials = [Trial(scenario.population, scenario.scale, (lift, *unmoved), trial_plan, units_a_look) for lift in (0.0, scenario.lift)]
    return Planned(scenario, trials[0], trials[1], require_conclusive(days, what=f"the duration of {scenario.name}"))


def _measure_design(scenario: Scenario, *, generator: np.random.Generator) -> Design:
    """Return the design by the variance of a pilot's units, as a workspace's own history would give it."""
    arms = []
    for lift in (0.0, scenario.lift):
        pieces = [
            compute_pair_moments(*scenario.population.draw(generator, np.full(PILOT_PIECE, lift)))
            for _ in range(PILOT_UNITS // PILOT_PIECE)
        ]
        known = pieces[0]
        for piece in pieces[1:]:
            known = merge_pair_moments(known, piece)
        arms.append(known)
    samples = require_conclusive(scenario.population.compare(arms[0], arms[1]), what=f"the pilot of {scenario.name}")
    variances = [
        sample.variance / (sample.mean**2 if scenario.scale == "log_ratio" else 1.0) for sample in (samples.control, samples.treatment)
    ]
    return Design(ALPHA / scenario.arms, 0.5, variances[0], variances[1])
