"""What treatment does to a metric's mean: the difference to decide on, the log-ratio, and the relative lift to display.

Every kind of metric comes down to a `Sample` of each variant (proportion, mean, ratio, CUPED); from there on all are treated alike.
With arrays, a function is inconclusive as soon as one element is: choose the elements that are defined first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from presage.stats.elementwise import Real, holds_anywhere, log, sqrt
from presage.stats.inconclusive import Inconclusive


@dataclass(frozen=True, slots=True)
class Sample(Generic[Real]):
    """One variant's estimator: the `mean` of `units`, and the `variance` of one unit's part in it (the mean's is variance / units)."""

    units: Real
    mean: Real
    variance: Real


@dataclass(frozen=True, slots=True)
class Comparison(Generic[Real]):
    """Both variants' samples, of which at least one varies. Made by `build_comparison`."""

    control: Sample[Real]
    treatment: Sample[Real]


@dataclass(frozen=True, slots=True)
class Estimate(Generic[Real]):
    """A point estimate and its standard error, in the same unit. `standard_error` > 0."""

    value: Real
    standard_error: Real


def build_comparison(control: Sample[Real] | Inconclusive, treatment: Sample[Real] | Inconclusive) -> Comparison[Real] | Inconclusive:
    """Return what effects are estimated from.

    Inconclusive as its arguments are, and when neither arm varies, where the normal approximation has no width.
    """
    if isinstance(control, Inconclusive):
        return control
    if isinstance(treatment, Inconclusive):
        return treatment
    if holds_anywhere(control.variance + treatment.variance <= 0.0):
        return Inconclusive("no variance: in each arm all units have the same value")
    return Comparison(control, treatment)


def estimate_difference(samples: Comparison[Real]) -> Estimate[Real]:
    """Return treatment minus control, in the metric's unit, with its unpooled standard error."""
    control, treatment = samples.control, samples.treatment
    return Estimate(treatment.mean - control.mean, sqrt(control.variance / control.units + treatment.variance / treatment.units))


def estimate_relative_lift(samples: Comparison[Real]) -> Estimate[Real] | Inconclusive:
    """Return (treatment - control) / control with its delta-method standard error. For display, never for a decision.

    Inconclusive when control's mean is 0.

    References: Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics" (KDD 2018), section 3.1.
    """
    control, treatment = samples.control, samples.treatment
    if holds_anywhere(control.mean == 0.0):
        return Inconclusive("control's mean is 0: there is nothing to relate to")
    ratio = treatment.mean / control.mean
    variance = treatment.variance / treatment.units + control.variance / control.units * ratio**2
    return Estimate((treatment.mean - control.mean) / control.mean, sqrt(variance / control.mean**2))


def estimate_log_ratio(samples: Comparison[Real]) -> Estimate[Real] | Inconclusive:
    """Return ln(treatment / control) with its delta-method standard error. A decision may rest on it, unlike on the relative lift.

    Inconclusive unless both means are positive.

    References: Katz, Baptista, Azen & Pike, "Obtaining Confidence Intervals for the Risk Ratio" (Biometrics 34, 1978).
    """
    control, treatment = samples.control, samples.treatment
    if holds_anywhere(control.mean <= 0.0) or holds_anywhere(treatment.mean <= 0.0):
        return Inconclusive("a log-ratio needs both means above 0")
    variance = control.variance / (control.units * control.mean**2) + treatment.variance / (treatment.units * treatment.mean**2)
    return Estimate(log(treatment.mean / control.mean), sqrt(variance))
