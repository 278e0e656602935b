"""Two proportions compared: control (a) and treatment (b)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from presage.stats.inconclusive import Inconclusive


@dataclass(frozen=True, slots=True)
class Proportion:
    """Sufficient statistics of a binary metric: `conversions` among `units`.

    Raises:
        ValueError: Not 0 <= conversions <= units.
    """

    units: int
    conversions: int

    def __post_init__(self) -> None:
        """Refuse counts that no sample can have."""
        if not 0 <= self.conversions <= self.units:
            raise ValueError(f"conversions must be in [0, units], got {self.conversions} of {self.units}")

    @property
    def mean(self) -> float:
        """The share that converted. Raises `ZeroDivisionError` without units."""
        return self.conversions / self.units

    @property
    def variance(self) -> float:
        """The variance of one unit's outcome, p (1 - p). Raises `ZeroDivisionError` without units."""
        return self.mean * (1.0 - self.mean)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point estimate and its standard error, in the same unit. `standard_error` > 0."""

    value: float
    standard_error: float


def estimate_difference(control: Proportion, treatment: Proportion) -> Estimate | Inconclusive:
    """Return treatment minus control (absolute, in [-1, 1]) with its unpooled standard error.

    Inconclusive while an arm is empty, or when neither arm varies (all or none converted), where the normal
    approximation has no width.
    """
    if not control.units or not treatment.units:
        return Inconclusive("an arm has no units")
    error = sqrt(control.variance / control.units + treatment.variance / treatment.units)
    if error == 0.0:
        return Inconclusive("no variance: in each arm either all or no units converted")
    return Estimate(treatment.mean - control.mean, error)


def estimate_relative_lift(control: Proportion, treatment: Proportion) -> Estimate | Inconclusive:
    """Return (treatment - control) / control with its delta-method standard error. For display, never for a decision.

    References: Deng, Knoblich & Lu, "Applying the Delta Method in Metric Analytics" (KDD 2018), section 3.1.
    """
    difference = estimate_difference(control, treatment)
    if isinstance(difference, Inconclusive):
        return difference
    if not control.conversions:
        return Inconclusive("control has no conversions to relate to")
    base = control.mean
    variance = treatment.variance / (treatment.units * base**2)
    variance += control.variance * treatment.mean**2 / (control.units * base**4)
    return Estimate(difference.value / base, sqrt(variance))
