"""How good predictions are, beside a baseline, with intervals that know that rows of one entity belong together.

References: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 13 (percentile intervals); Field & Welsh (2007),
Bootstrapping clustered data (resampling whole clusters).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
LEVEL = 0.95
_BLOCK_VALUES = 500_000
"""Weights of rows are made for so many at once: 4 MB."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Resamples:
    """How often each row counts, in every resample: as often as its cluster was drawn.

    Shape: `drawn` is (resamples, clusters), `clusters` (rows,), numbered from 0.
    """

    def __init__(self, drawn: Floats, clusters: Integers) -> None:
        self._drawn = np.ascontiguousarray(drawn.T)  # a cluster's draws stand together: rows are made of them in any order
        self._clusters = clusters

    def sum(self, values: Floats) -> Floats:
        """Return the weighted sum of the rows' values. Shape: (rows,) → (resamples,)."""
        totals = np.bincount(self._clusters, weights=values, minlength=len(self._drawn))
        sums: Floats = totals @ self._drawn
        return sums

    def count(self) -> Floats:
        """Return the rows' total weight. Shape: (resamples,)."""
        return self.sum(np.ones(len(self._clusters)))

    def iterate(self, order: npt.NDArray[np.intp]) -> Iterator[Floats]:
        """Yield the weights of the rows in that order, some resamples at a time. Shape: (rows, some)."""
        clusters = self._clusters[order]
        step = max(1, _BLOCK_VALUES // len(clusters))
        for start in range(0, self._drawn.shape[1], step):
            yield self._drawn[:, start : start + step][clusters]


Statistic = Callable[[Resamples], Floats]
"""A statistic of all rows, in each resample; nan where it is undefined."""


@dataclass(frozen=True)
class Metric:
    """A statistic, and which way is better."""

    statistic: Statistic
    higher_is_better: bool


Metrics = Mapping[str, Metric]
"""By name, the one that decides first."""


@dataclass(frozen=True)
class Estimate:
    """A value and its interval at the level `LEVEL`; nan when too few resamples define it."""

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
    """Resamples whole clusters. The same resamples serve every metric, so that differences are paired. Deterministic in `seed`."""

    def __init__(self, clusters: Integers, *, seed: int) -> None:
        """Draw for rows that belong to `clusters`, numbered from 0. Shape: (rows,)."""
        count = int(clusters.max()) + 1
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        self._drawn = Resamples(drawn.astype(np.float64), clusters)
        self._once = Resamples(np.ones((1, count)), clusters)

    def estimate(self, statistic: Statistic) -> Estimate:
        """Return a statistic with its percentile interval; resamples in which it is undefined are left out."""
        return _describe(statistic(self._once), statistic(self._drawn))

    def compare(self, model: Metric, baseline: Metric) -> Comparison:
        """Return both and the paired gain of the model over the baseline."""
        sign = 1.0 if model.higher_is_better else -1.0
        (of_model, models), (of_baseline, baselines) = (
            (metric.statistic(self._once), metric.statistic(self._drawn)) for metric in (model, baseline)
        )
        gain = _describe(sign * (of_model - of_baseline), sign * (models - baselines))
        return Comparison(_describe(of_model, models), _describe(of_baseline, baselines), gain)

    def compare_all(self, model: Metrics, baseline: Metrics) -> dict[str, Comparison]:
        """Return the comparison of each metric, by name and in the model's order."""
        return {name: self.compare(metric, baseline[name]) for name, metric in model.items()}


def _describe(value: Floats, drawn: Floats) -> Estimate:
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return Estimate(float(value[0]), float("nan"), float("nan"))
    lower, upper = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(value[0]), float(lower), float(upper))


def build_mean(values: Floats) -> Statistic:
    """Return the mean of per-row values as a statistic."""
    return lambda resamples: resamples.sum(values) / resamples.count()
