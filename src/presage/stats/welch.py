"""Welch's test at one fixed horizon: for comparison with what may be looked at repeatedly, never for a decision.

References:
    Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances are Involved" (Biometrika 34, 1947).
    Satterthwaite, "An Approximate Distribution of Estimates of Variance Components" (Biometrics Bulletin 2, 1946).
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import stdtr, stdtrit

from presage.stats.effect import Comparison, Estimate
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import Interval


@dataclass(frozen=True, slots=True)
class FixedHorizonTest:
    """The interval and the two-sided p-value, both of Student's distribution with `degrees` of freedom."""

    interval: Interval[float]
    p_value: float
    degrees: float


def compute_degrees(samples: Comparison[float]) -> float | Inconclusive:
    """Return the Welch-Satterthwaite degrees of freedom. Inconclusive below two units in an arm."""
    arms = (samples.control, samples.treatment)
    if min(arm.units for arm in arms) < 2:  # noqa: PLR2004 - a variance needs two
        return Inconclusive("an arm has fewer than two units")
    parts = [arm.variance / arm.units for arm in arms]
    return sum(parts) ** 2 / sum(part * part / (arm.units - 1) for part, arm in zip(parts, arms, strict=True))


def compute_fixed_horizon(estimate: Estimate[float], samples: Comparison[float], *, alpha: float) -> FixedHorizonTest | Inconclusive:
    """Return the test of an estimate made from `samples`: of their difference, or of their lift or log-ratio by the delta method.

    Raises:
        ValueError: `alpha` is not in (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    degrees = compute_degrees(samples)
    if isinstance(degrees, Inconclusive):
        return degrees
    width = estimate.standard_error * -float(stdtrit(degrees, alpha / 2.0))
    p_value = 2.0 * float(stdtr(degrees, -abs(estimate.value / estimate.standard_error)))
    return FixedHorizonTest(Interval(estimate.value - width, estimate.value + width), p_value, degrees)
