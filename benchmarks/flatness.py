"""Whether a quantity stays level: the Theil-Sen slope of its samples.

References: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

MOST_POINTS = 400


@dataclass(frozen=True)
class Trend:
    """How a quantity moved over the samples' whole time: `growth` by the slope, and as a share of the median."""

    level: float
    growth: float

    @property
    def share(self) -> float:
        """The growth relative to the level."""
        return self.growth / self.level


def compute_trend(times: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the trend: the median of the slopes of all pairs of samples, which single leaps do not move; thinned to 400 samples."""
    step = max(1, len(times) // MOST_POINTS)
    points = list(zip(times[::step], values[::step], strict=True))
    slopes = [(late - early) / (then - before) for (before, early), (then, late) in combinations(points, 2)]
    return Trend(median(values), median(slopes) * (times[-1] - times[0]))
