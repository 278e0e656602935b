"""Before an experiment is started: which effect its traffic can find, how many units that takes, and how long.

The test planned for is the one that decides (`presage.stats.power`). What a unit does without the experiment, its baseline, and how many
units come a day are measured from the workspace's own traffic (`presage.predictions.traffic`) or given by whoever plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from presage.errors import InvalidInputError
from presage.experiments.model import BINARY_KINDS, Metric
from presage.experiments.plan import MOST_ARMS
from presage.stats.inconclusive import Inconclusive
from presage.stats.power import Design, compute_expected_days, compute_expected_units, compute_minimum_detectable_effect, plan_units

DURATIONS_DAYS = (7, 14, 28, 56)
FEWEST_UNITS = 2


@dataclass(frozen=True, slots=True)
class Baseline:
    """A metric's mean and variance over units without the experiment, and how many units they were measured on (None: given)."""

    mean: float
    variance: float
    units: int | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many units are met for the first time a day, and on how many days that was measured (None: given)."""

    units_a_day: float
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """What the experiment is to be like. `effect` is the smallest one worth finding, absolute, in the metric's unit.

    `treatment_share` is that of all `arms` together, which have equal parts of it.
    """

    metric: Metric
    effect: float | None = None
    alpha: float = 0.05
    power: float = 0.8
    treatment_share: float = 0.5
    min_days: int = 7
    arms: int = 1

    @property
    def compared_share(self) -> float:
        """The share of the units that an arm's comparison with control is of."""
        return 1.0 - self.treatment_share + self.treatment_share / self.arms


@dataclass(frozen=True, slots=True)
class Duration:
    """What as many days of this traffic can find: with probability `power`, an effect of at least that size."""

    days: int
    planned_units: int
    minimum_detectable_effect: float
    relative_effect: float | None


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes to find `effect` with probability `power`; on average it is found after the expected units and days."""

    effect: float
    planned_units: int
    days: float
    expected_units: float
    expected_days: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be expected; `need` is None without an effect to find."""

    baseline: Baseline
    traffic: Traffic
    durations: tuple[Duration, ...]
    need: Need | None


def plan_experiment(aim: Aim, *, baseline: Baseline, traffic: Traffic) -> Outlook:
    """Return what the traffic can find in 7 to 56 days and, if an effect is aimed for, what finding it takes.

    Raises:
        InvalidInputError: The aim, the baseline or the traffic cannot be planned with; the path names the value.
    """
    _require(aim, baseline, traffic)
    return Outlook(
        baseline=baseline,
        traffic=traffic,
        durations=tuple(_describe_duration(days, aim, baseline, traffic) for days in DURATIONS_DAYS if days * traffic.units_a_day >= 1.0),
        need=_describe_need(aim.effect, aim, baseline, traffic) if aim.effect else None,
    )


def _require(aim: Aim, baseline: Baseline, traffic: Traffic) -> None:
    checks = {
        "$.alpha": (0.0 < aim.alpha <= 0.5, "must be in (0, 0.5]"),  # noqa: PLR2004 - as of a plan
        "$.treatment_share": (0.0 < aim.treatment_share < 1.0, "must be in (0, 1)"),
        "$.power": (aim.alpha / 2.0 < aim.power < 1.0, "must be above alpha / 2 and below 1"),
        "$.arms": (1 <= aim.arms <= MOST_ARMS, f"must be in [1, {MOST_ARMS}]"),
        "$.min_days": (aim.min_days >= 0, "must not be negative"),
        "$.baseline.variance": (baseline.variance > 0.0, "must be above 0: where all units do the same nothing can be planned"),
        "$.units_a_day": (traffic.units_a_day > 0.0, "must be above 0: without traffic there is no experiment"),
    }
    for path, (holds, message) in checks.items():
        if not holds:
            raise InvalidInputError(message, path=path)
    if aim.metric.kind in BINARY_KINDS and not 0.0 < baseline.mean + (aim.effect or 0.0) < 1.0:
        raise InvalidInputError(f"a rate of {baseline.mean:g} cannot change by {aim.effect}", path="$.effect")


def build_design(aim: Aim, baseline: Baseline, *, effect: float) -> Design:
    """Return what an arm is decided with, if it has that effect: a rate's variance follows its mean, any other's stays."""
    treated = baseline.mean + effect
    variance = treated * (1.0 - treated) if aim.metric.kind in BINARY_KINDS else baseline.variance
    share = aim.treatment_share / aim.arms / aim.compared_share
    return Design(aim.alpha / aim.arms, share, baseline.variance, variance)


def _describe_duration(days: int, aim: Aim, baseline: Baseline, traffic: Traffic) -> Duration:
    units = int(days * traffic.units_a_day)
    design = build_design(aim, baseline, effect=0.0)
    effect = compute_minimum_detectable_effect(design, planned_units=units * aim.compared_share, power=aim.power)
    return Duration(days, units, effect, effect / baseline.mean if baseline.mean > 0.0 else None)


def _describe_need(effect: float, aim: Aim, baseline: Baseline, traffic: Traffic) -> Need:
    design = build_design(aim, baseline, effect=effect)
    units = plan_units(design, effect=effect, power=aim.power)
    if isinstance(units, Inconclusive):
        raise InvalidInputError(units.reason, path="$.effect")
    share, a_day = aim.compared_share, traffic.units_a_day
    days = compute_expected_days(design, effect=effect, planned_units=units, units_a_day=a_day * share, min_days=float(aim.min_days))
    if isinstance(days, Inconclusive):
        raise InvalidInputError(days.reason, path="$.units_a_day")
    expected = compute_expected_units(design, effect=effect, planned_units=units)
    planned = ceil(units / share)
    return Need(effect, planned, planned / a_day, expected / share, days)
