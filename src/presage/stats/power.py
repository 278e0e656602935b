"""Planning before any traffic is spent: how many units, which effect they can find, and how long it will take.

The test planned for is the one that decides: the confidence sequence, looked at `LOOKS` times until the planned units are reached.
Everything about it depends on one number, the effect in standard errors at the planned units, which is solved for once.

References: docs of `presage.stats.sequential` and `presage.stats.crossing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt

import numpy as np
from scipy.optimize import brentq

from presage.stats.crossing import ScorePath, build_score_path, compute_crossings
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import build_mixture, compute_boundary

LOOKS = 200
"""Looks that planning reckons with. Hourly ones over two weeks are 336; that finds an effect a little earlier, never later."""
STRONGEST = 12.0
"""Standard errors at the planned units beyond which power is 1 for every alpha in use."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is decided with: the error rate, the share of units in treatment, and the variance of one unit's part in each variant.

    Raises:
        ValueError: `alpha` or `treatment_share` is not in (0, 1), or no variance is positive.
    """

    alpha: float
    treatment_share: float
    control_variance: float
    treatment_variance: float

    def __post_init__(self) -> None:
        """Refuse what cannot be planned with."""
        if not (0.0 < self.alpha < 1.0 and 0.0 < self.treatment_share < 1.0):
            raise ValueError(f"alpha and treatment_share must be in (0, 1), got {self.alpha} and {self.treatment_share}")
        if min(self.control_variance, self.treatment_variance) < 0.0 or not self.spread > 0.0:
            raise ValueError(f"variances must be positive, got {self.control_variance} and {self.treatment_variance}")

    @property
    def spread(self) -> float:
        """The difference's variance times the units of both arms together."""
        return self.control_variance / (1.0 - self.treatment_share) + self.treatment_variance / self.treatment_share


def compute_power(design: Design, *, effect: float, planned_units: float) -> float:
    """Return the probability that the interval excludes 0, on the effect's side, by the time `planned_units` are counted.

    Raises:
        ValueError: `planned_units` is not positive.
    """
    if planned_units <= 0:
        raise ValueError(f"planned_units must be positive, got {planned_units}")
    return _compute_power(design.alpha, abs(effect) * sqrt(planned_units / design.spread))


def plan_units(design: Design, *, effect: float, power: float) -> int | Inconclusive:
    """Return the units, both arms together, after which an effect of this size is found with probability `power`.

    Inconclusive without an effect, which no number of units finds.

    Raises:
        ValueError: `power` is not in (alpha / 2, 1).
    """
    if effect == 0.0:
        return Inconclusive("no number of units finds an effect of 0")
    return ceil(design.spread * (_solve(design.alpha, power) / effect) ** 2)


def compute_minimum_detectable_effect(design: Design, *, planned_units: float, power: float) -> float:
    """Return the smallest effect, in the metric's unit, that is found with probability `power` by `planned_units`.

    Raises:
        ValueError: `planned_units` is not positive, or `power` not in (alpha / 2, 1).
    """
    if planned_units <= 0:
        raise ValueError(f"planned_units must be positive, got {planned_units}")
    return _solve(design.alpha, power) * sqrt(design.spread / planned_units)


def compute_expected_units(design: Design, *, effect: float, planned_units: float) -> float:
    """Return after how many units the interval excludes 0 on average, counting `planned_units` where it never does.

    Raises:
        ValueError: `planned_units` is not positive.
    """
    return _expect(design, effect=effect, planned_units=planned_units, costs=_build_path(design.alpha).times * planned_units)


def compute_expected_days(
    design: Design, *, effect: float, planned_units: float, units_a_day: float, min_days: float
) -> float | Inconclusive:
    """Return the expected duration at a steady `units_a_day`, no conclusion being allowed before `min_days`.

    Inconclusive without traffic.

    Raises:
        ValueError: `planned_units` is not positive.
    """
    if units_a_day <= 0.0:
        return Inconclusive("no units arrive")
    days = _build_path(design.alpha).times * planned_units / units_a_day
    return _expect(design, effect=effect, planned_units=planned_units, costs=np.maximum(days, min_days))


def _expect(design: Design, *, effect: float, planned_units: float, costs: Array) -> float:
    """Return the mean of what stopping costs; `costs` are those of each look, the last one's also without a crossing."""
    if planned_units <= 0:
        raise ValueError(f"planned_units must be positive, got {planned_units}")
    crossings = compute_crossings(_build_path(design.alpha), drift=abs(effect) * sqrt(planned_units / design.spread))
    stops = crossings.upper + crossings.lower
    return float(stops @ costs + (1.0 - stops.sum()) * costs[-1])


def _compute_power(alpha: float, standardised: float) -> float:
    return float(compute_crossings(_build_path(alpha), drift=standardised).upper.sum())


@lru_cache(maxsize=64)
def _solve(alpha: float, power: float) -> float:
    """Return the effect, in standard errors at the planned units, that is found with probability `power`."""
    if not alpha / 2.0 < power < 1.0:
        raise ValueError(f"power must be in (alpha / 2, 1), got {power} with alpha {alpha}")
    return float(brentq(lambda standardised: _compute_power(alpha, standardised) - power, 0.0, STRONGEST, xtol=1e-9))


@lru_cache(maxsize=16)
def _build_path(alpha: float) -> ScorePath:
    """Return the confidence sequence's path, with the planned units as the unit of information."""
    times = np.linspace(0.0, 1.0, LOOKS + 1)[1:]
    return build_score_path(times, compute_boundary(build_mixture(alpha=alpha, planned_units=1.0), units=times))
