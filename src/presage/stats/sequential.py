"""Intervals and evidence that hold at every look at once: the normal-mixture confidence sequence.

References:
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central limit theory and asymptotic confidence
    sequences", arXiv 2103.06476, eq. 9 (boundary) and eq. 161 (tuning).
    Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
    arXiv 1810.08240 (normal mixture).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import Generic

import numpy as np

from presage.stats import elementwise
from presage.stats.effect import Estimate
from presage.stats.elementwise import Array, Real, holds_anywhere
from presage.stats.inconclusive import Inconclusive

LARGEST_EXPONENT = 700.0
"""exp() of more overflows a float; evidence that large is reported as exp(700), about 1e304."""


@dataclass(frozen=True, slots=True)
class Interval(Generic[Real]):
    """A closed interval, in the unit of the estimate. `lower` <= `upper`."""

    lower: Real
    upper: Real


@dataclass(frozen=True, slots=True)
class Mixture:
    """The confidence sequence's free parameters: error rate `alpha` and mixing variance `rho` (in units of the sample)."""

    alpha: float
    rho: float


def build_mixture(*, alpha: float, planned_units: float) -> Mixture:
    """Return the mixture whose interval is tightest when `planned_units` (both arms together) have been seen.

    Raises:
        ValueError: `alpha` is not in (0, 1) or `planned_units` is not positive.

    References: arXiv 2103.06476, eq. 161 (approximate optimum).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if planned_units <= 0:
        raise ValueError(f"planned_units must be positive, got {planned_units}")
    evidence = 2.0 * log(1.0 / alpha)
    return Mixture(alpha, planned_units / (evidence + log(1.0 + evidence)))


def compute_boundary(mixture: Mixture, *, units: Real) -> Real:
    """Return B(t), what multiplies the standard error in place of the fixed quantile, after `units` of both arms.

    Raises:
        ValueError: `units` is not positive.
    """
    _require_units(units)
    total = units + mixture.rho
    return elementwise.sqrt(total / units * elementwise.log(total / (mixture.rho * mixture.alpha**2)))


def compute_interval(estimate: Estimate[Real], mixture: Mixture, *, units: Real) -> Interval[Real]:
    """Return estimate ± standard error x B(t). With probability 1 - alpha it covers the truth at all looks at once."""
    width = estimate.standard_error * compute_boundary(mixture, units=units)
    return Interval(estimate.value - width, estimate.value + width)


def compute_e_value(estimate: Estimate[Real], mixture: Mixture, *, units: Real) -> Real:
    """Return the evidence against "no difference" after `units`; 1/alpha of it is the boundary of `compute_interval`.

    Raises:
        ValueError: `units` is not positive.
    """
    _require_units(units)
    total = units + mixture.rho
    score = (estimate.value / estimate.standard_error) ** 2
    exponent = score * units / (2.0 * total)
    return elementwise.sqrt(mixture.rho / total) * elementwise.exp(elementwise.minimum(exponent, LARGEST_EXPONENT))


@dataclass(frozen=True, slots=True)
class Period:
    """What was estimated from `units` that no other period has, all of them assigned by the same weights."""

    estimate: Estimate[float]
    units: float


def compute_joint_interval(periods: Sequence[Period], mixture: Mixture) -> Interval[float] | Inconclusive:
    """Return all effects against which the periods' evidence multiplies to less than 1/alpha: the interval of them together.

    Each period's evidence is a martingale of its own under the true effect; when the next one begins, what the last had gathered stays
    as a factor. So the product is one martingale over all looks, and covers with 1 - alpha like the interval of a single period, which
    it is for one. Each evidence is the exponential of a parabola around its estimate, and so is the product.

    Inconclusive when no effect is compatible with all of them.
    """
    curvatures = [period.units / (2.0 * (period.units + mixture.rho) * period.estimate.standard_error**2) for period in periods]
    total = sum(curvatures)
    values = [period.estimate.value for period in periods]
    center = sum(curvature * value for curvature, value in zip(curvatures, values, strict=True)) / total
    apart = sum(curvature * (value - center) ** 2 for curvature, value in zip(curvatures, values, strict=True))
    spent = sum(0.5 * log((period.units + mixture.rho) / mixture.rho) for period in periods)
    room = log(1.0 / mixture.alpha) + spent - apart
    if room < 0.0:
        return Inconclusive(f"the periods between changes of weights contradict each other: estimates {values}")
    width = sqrt(room / total)
    return Interval(center - width, center + width)


def compute_joint_e_value(periods: Sequence[Period], mixture: Mixture) -> float:
    """Return the evidence of all periods together against "no difference" in any of them."""
    logs = (log(compute_e_value(period.estimate, mixture, units=period.units)) for period in periods)
    return exp(min(sum(logs), LARGEST_EXPONENT))


def compute_p_value(e_values: Iterable[float]) -> float:
    """Return the anytime-valid p-value of all looks so far: the smallest min(1, 1/e), 1 before the first look."""
    return min((1.0 / max(1.0, value) for value in e_values), default=1.0)


def intersect(intervals: Iterable[Interval[float]]) -> Interval[float] | Inconclusive:
    """Return the running intersection of the looks' intervals.

    Inconclusive without looks, and when the looks contradict each other, which under the model's assumptions happens
    with probability at most alpha: then the effect has drifted, or the data has.
    """
    lower, upper = -inf, inf
    for interval in intervals:
        lower, upper = max(lower, interval.lower), min(upper, interval.upper)
    if lower == -inf:
        return Inconclusive("no look counted enough units yet")
    if lower > upper:
        return Inconclusive(f"the looks contradict each other: lower bound {lower:.6g} above upper bound {upper:.6g}")
    return Interval(lower, upper)


def intersect_looks(intervals: Interval[Array]) -> Interval[Array]:
    """Return the running intersection at every look; where `lower` exceeds `upper` the looks contradict each other.

    Shape: (…, looks), in the looks' order; a look that does not count is (-inf, inf).
    """
    return Interval(np.maximum.accumulate(intervals.lower, axis=-1), np.minimum.accumulate(intervals.upper, axis=-1))


def _require_units(units: float | Array) -> None:
    if holds_anywhere(units <= 0):
        raise ValueError(f"units must be positive, got {units}")
