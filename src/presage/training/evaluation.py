"""How good predictions are, beside a baseline, with intervals that know that rows of one entity belong together.

References: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile intervals); Field & Welsh (2007),
Bootstrapping clustered data (resampling whole clusters); Järvelin & Kekäläinen (2002), Cumulated gain-based evaluation (NDCG);
Mann & Whitney (1947) for the AUC as the chance that a positive scores above a negative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
LEVEL = 0.95
SMALLEST_PROBABILITY = 1e-6

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Statistic = Callable[[Floats], float]


@dataclass(frozen=True)
class Estimate:
    """A value and its interval at the level `LEVEL`."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Comparison:
    """A metric of the model and of its baseline on the same rows, and how much better the model is (positive: better)."""

    model: Estimate
    baseline: Estimate
    gain: Estimate


class ClusterBootstrap:
    """Resamples whole clusters: a resample gives every row the number of times its cluster was drawn.

    The same resamples serve every metric, so that differences are paired. Deterministic in `seed`.
    """

    def __init__(self, clusters: Integers, *, seed: int) -> None:
        """Draw for rows that belong to `clusters`, numbered from 0. Shape: (rows,)."""
        count = int(clusters.max()) + 1
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        self._weights = drawn.astype(np.float64)
        self._clusters = clusters

    def estimate(self, statistic: Statistic) -> Estimate:
        """Return a statistic of row weights with its percentile interval; resamples in which it is undefined are left out."""
        value = statistic(np.ones(len(self._clusters)))
        drawn = np.array([statistic(weights[self._clusters]) for weights in self._weights])
        defined = drawn[np.isfinite(drawn)]
        lower, upper = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(float(value), float(lower), float(upper))

    def compare(self, model: Statistic, baseline: Statistic, *, higher_is_better: bool) -> Comparison:
        """Return both and the paired gain of the model over the baseline."""
        sign = 1.0 if higher_is_better else -1.0
        gain = self.estimate(lambda weights: sign * (model(weights) - baseline(weights)))
        return Comparison(self.estimate(model), self.estimate(baseline), gain)


def compute_log_losses(labels: Integers, probabilities: Floats) -> Floats:
    """Return each row's log loss in nats; probabilities are kept `SMALLEST_PROBABILITY` away from 0 and 1. Shape: (rows,)."""
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    losses: Floats = -np.where(labels == 1, np.log(kept), np.log1p(-kept))
    return losses


def build_mean(values: Floats) -> Statistic:
    """Return the weighted mean of per-row values as a statistic of the weights."""
    return lambda weights: float(np.dot(values, weights) / weights.sum())


def build_auc(labels: Integers, scores: Floats) -> Statistic:
    """Return the area under the ROC curve as a statistic of the weights: ties count half, nan without both classes."""
    _, groups = np.unique(scores, return_inverse=True)
    size = int(groups.max()) + 1

    def compute(weights: Floats) -> float:
        positive = np.bincount(groups, weights=weights * (labels == 1), minlength=size)
        negative = np.bincount(groups, weights=weights * (labels == 0), minlength=size)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float(np.dot(positive, below + negative / 2) / pairs) if pairs > 0 else float("nan")

    return compute


def compute_ranking_gains(labels: Integers, scores: Floats, items: list[str], *, cutoff: int) -> tuple[float, float]:
    """Return one observation's (NDCG, hit) among its first `cutoff` items: by score, ties by item id; relevance is 0 or 1.

    Raises:
        ValueError: No item is relevant.
    """
    relevant = int(labels.sum())
    if relevant == 0:
        raise ValueError("an observation without a relevant item has no NDCG")
    order = sorted(range(len(items)), key=lambda index: (-scores[index], items[index]))[:cutoff]
    discounts = 1 / np.log2(np.arange(2, cutoff + 2))
    shown = labels[order]
    gained = float(np.dot(shown, discounts[: len(shown)]))
    return gained / float(discounts[: min(relevant, cutoff)].sum()), float(shown.any())
