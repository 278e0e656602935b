"""What another policy would have earned, from a log whose choices were random with known probabilities, before any traffic is spent.

All three estimators weigh a logged reward by how much likelier the other policy makes its action: weight = target / logging probability.
Unlike an experiment such a log is judged once, so the intervals are of one fixed look. Where rewards cannot be negative they are made on
the scale of the logarithm: rare rewards under large weights are skewed to the right, and a symmetric interval lies too low (with 50 clicks
in 10,000 and weights up to 18 its upper bound was below the truth 9.5 % of the time, this one's 5 %, where 2.5 % are intended).

References:
    Horvitz & Thompson, "A Generalization of Sampling Without Replacement from a Finite Universe" (JASA 47, 1952): IPS.
    Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay & Wen, "Offline Evaluation of Ranking Policies with Click Models" (KDD 2018): places.
    Swaminathan & Joachims, "The Self-Normalized Estimator for Counterfactual Learning" (NeurIPS 2015): SNIPS.
    Dudík, Langford & Li, "Doubly Robust Policy Evaluation and Learning" (ICML 2011), arXiv 1103.4601: doubly robust.
    Kish, "Survey Sampling" (1965), section 11.7: effective units.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from presage.stats.effect import Estimate, Sample
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import compute_moments, compute_pair_moments, summarise_mean
from presage.stats.ratio import summarise_ratio
from presage.stats.sequential import Interval

IntArray = npt.NDArray[np.intp]
FEWEST_EFFECTIVE_UNITS = 100.0
"""Below as many the few greatest weights decide, and no normal interval can be trusted."""
WEIGHT_FAULT = 0.001
"""How rarely weights that are right may be found at fault; as the threshold of sample ratios."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class LoggedActions:
    """What was chosen and earned. Shape: each (units,), or (units, places) of lists whose reward is the sum of their places'.

    `propensities` are the probabilities of the logged actions under the policy that chose them, `targets` those under the policy to judge;
    of lists, that the item shown at a place is shown there.

    Choices made for one unit hang together, so a row is not always a unit: `units` numbers the rows' units from 0, and what enters an
    estimate of a unit is the mean over its rows, so that each unit counts once. `lengths` is how many places of a row the judged policy
    fills, where lists differ in length and the rest of the row is padding: reward 0, propensity 1, target 0. Shape: each (rows,).

    Raises:
        ValueError: Shapes differ, a value is not finite, a propensity is not in (0, 1], a target not in [0, 1], a unit of the numbered
            ones has no row, or a length is below 1.
    """

    rewards: Array
    propensities: Array
    targets: Array
    units: IntArray | None = None
    lengths: IntArray | None = None

    def __post_init__(self) -> None:
        """Refuse a log that no policy has written."""
        _require_shape("rewards", self.rewards, self.rewards.shape)
        _require_shape("propensities", self.propensities, self.rewards.shape)
        _require_shape("targets", self.targets, self.rewards.shape)
        if not ((self.propensities > 0.0) & (self.propensities <= 1.0)).all():
            raise ValueError("propensities must be in (0, 1]: an action that could not be chosen says nothing")
        if not ((self.targets >= 0.0) & (self.targets <= 1.0)).all():
            raise ValueError("targets must be in [0, 1]")
        rows = self.rewards.shape[:1]
        if self.units is not None and (self.units.shape != rows or not np.bincount(self.units).all()):
            raise ValueError("units must number the unit of each row from 0, without a gap")
        if self.lengths is not None and (self.lengths.shape != rows or not (self.lengths >= 1).all()):
            raise ValueError("lengths must be at least 1, one a row")

    @property
    def weights(self) -> Array:
        """How much likelier the judged policy makes each logged action."""
        return self.targets / self.propensities

    @property
    def unit_weights(self) -> Array:
        """The mean weight over a unit's places. Shape: (units,); their mean is expected to be 1."""
        places = self.weights.size // len(self.weights) if self.lengths is None else self.lengths
        return self.average(_add_places(self.weights) / places)

    def average(self, rows: Array) -> Array:
        """Return the mean over each unit's rows. Shape: (rows,) → (units,)."""
        if self.units is None:
            return rows
        means: Array = np.bincount(self.units, weights=rows) / np.bincount(self.units)
        return means


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """The judged policy's mean reward, its interval, and of how many units drawn from that policy itself the log is worth."""

    estimate: Estimate[float]
    interval: Interval[float]
    effective_units: float


def estimate_ips(log: LoggedActions, *, alpha: float) -> PolicyValue | Inconclusive:
    """Return the mean of weight x reward. Unbiased; the noisiest of the three.

    Inconclusive when too little of the log is of the judged policy, or no weighted reward varies.

    Raises:
        ValueError: `alpha` is not in (0, 1).
    """
    weighted = log.average(_add_places(log.weights * log.rewards))
    return _conclude(log, summarise_mean(compute_moments(weighted)), alpha=alpha)


def estimate_snips(log: LoggedActions, *, alpha: float) -> PolicyValue | Inconclusive:
    """Return sum(weight x reward) / sum(weight), its interval by the delta method. Biased by the order of 1/units, and less noisy.

    Inconclusive and raises as `estimate_ips`.
    """
    weighted = log.average(_add_places(log.weights * log.rewards))
    return _conclude(log, summarise_ratio(compute_pair_moments(weighted, log.unit_weights)), alpha=alpha)


def estimate_doubly_robust(log: LoggedActions, *, predicted: Array, expected: Array, alpha: float) -> PolicyValue | Inconclusive:
    """Return the mean of expected + weight x (reward - predicted). Unbiased whatever the model says; the better, the less noisy.

    Shape: `predicted`, the model's reward of each logged action, is as the rewards; `expected`, the model's mean reward of a row under the
    judged policy, is (rows,).
    The model must not have seen the unit that it predicts (cross-fitting).
    Inconclusive as `estimate_ips`.

    Raises:
        ValueError: `alpha` is not in (0, 1), shapes differ, or a prediction is not finite.
    """
    corrected = correct_predictions(log, predicted=predicted, expected=expected)
    return _conclude(log, summarise_mean(compute_moments(corrected)), alpha=alpha)


def correct_predictions(log: LoggedActions, *, predicted: Array, expected: Array) -> Array:
    """Return what of each unit enters the doubly robust estimate. Shape and raises as there; (units,)."""
    _require_shape("predicted", predicted, log.rewards.shape)
    _require_shape("expected", expected, log.rewards.shape[:1])
    return log.average(expected + _add_places(log.weights * (log.rewards - predicted)))


def estimate_logged(log: LoggedActions, *, alpha: float) -> PolicyValue | Inconclusive:
    """Return the mean reward of the policy that logged. Inconclusive and raises as `estimate_ips`."""
    return estimate_ips(replace(log, targets=log.propensities, lengths=None), alpha=alpha)


def average_rewards(log: LoggedActions) -> Array:
    """Return what each unit earned a row. Shape: (units,)."""
    return log.average(_add_places(log.rewards))


def estimate_difference(log: LoggedActions, *, judged: Array, reference: Array, alpha: float) -> PolicyValue | Inconclusive:
    """Return the mean of judged - reference over the units, whose interval is symmetric: a difference may be negative.

    Both are unbiased for their policies' mean rewards on the same units, so the difference is, and what units have in common cancels.
    Shape: (units,), as of `correct_predictions` or `average_rewards`. Inconclusive and raises as `estimate_ips`.
    """
    return _conclude(log, summarise_mean(compute_moments(judged - reference)), alpha=alpha, is_difference=True)


def find_propensity_fault(log: LoggedActions, *, threshold: float = WEIGHT_FAULT) -> Inconclusive | None:
    """Return why the propensities cannot be those that the log was written with, or None.

    What the judged policy may do, the log's must be able to do; then a unit's weight is expected to be 1, whatever was earned. A mean
    that a normal test tells from 1 at `threshold` shows another propensity. As with sample ratios, no estimate survives that.
    """
    found = summarise_mean(compute_moments(log.unit_weights))
    if isinstance(found, Inconclusive) or compute_effective_units(log.unit_weights) < FEWEST_EFFECTIVE_UNITS:
        return None
    error = sqrt(found.variance / found.units)
    if abs(found.mean - 1.0) <= max(-float(ndtri(threshold / 2.0)) * error, ROUNDING):
        return None
    return Inconclusive(f"the weights' mean is {found.mean:.3f} and must be 1: the propensities are not those of what was shown")


def compute_effective_units(weights: Array) -> float:
    """Return of how many equally weighted units these are worth, (sum w)² / sum w²; 0 when no weight is above 0."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _conclude(
    log: LoggedActions, sample: Sample[float] | Inconclusive, *, alpha: float, is_difference: bool = False
) -> PolicyValue | Inconclusive:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    effective = compute_effective_units(log.unit_weights)
    if effective < FEWEST_EFFECTIVE_UNITS:
        return Inconclusive(f"the log is worth {effective:.1f} units of the judged policy, {FEWEST_EFFECTIVE_UNITS:g} are needed")
    if isinstance(sample, Inconclusive):
        return sample
    if sample.variance <= 0.0:
        return Inconclusive("no variance: all weighted rewards are the same")
    estimate = Estimate(sample.mean, sqrt(sample.variance / sample.units))
    positive = not is_difference and sample.mean > 0.0 and bool((log.rewards >= 0.0).all())
    return PolicyValue(estimate, _compute_interval(estimate, alpha=alpha, positive=positive), effective)


def _compute_interval(estimate: Estimate[float], *, alpha: float, positive: bool) -> Interval[float]:
    width = -float(ndtri(alpha / 2.0)) * estimate.standard_error
    if positive:
        factor = exp(width / estimate.value)
        return Interval(estimate.value / factor, estimate.value * factor)
    return Interval(estimate.value - width, estimate.value + width)


def _list_rows(values: Array) -> Array:
    return values.reshape(values.shape[0], -1)


def _add_places(values: Array) -> Array:
    total: Array = _list_rows(values).sum(axis=1)
    return total


def _require_shape(name: str, values: Array, shape: tuple[int, ...]) -> None:
    if values.shape != shape or values.ndim not in {1, 2} or not values.size:
        raise ValueError(f"{name} must be (units,) or (units, places), as rewards are: got {values.shape} beside {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite")
