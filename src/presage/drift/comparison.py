"""How far a live distribution is from the one a version was trained on, with bounds that hold for any sample size.

The distance is the total variation of the binned distributions: the largest difference in the probability of any set of bins, from
0 to 1. Bounds follow from the deviation of both samples from their own distributions. A difference is told only when its lower
bound is above the tolerance, so that large samples do not make an alarm of every trifle, and small ones none by chance.

References:
    Weissman, Ordentlich, Seroussi, Verdu, Weinberger (2003), Inequalities for the L1 deviation of the empirical distribution,
        HP Laboratories HPL-2003-97, theorem 2.1: P(|p_n - p|_1 >= e) <= (2^k - 2) exp(-n e^2 / 2) for k bins and n independent draws.
    Siddiqi (2006), Credit Risk Scorecards, for the population stability index, which is told and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Literal

from presage.training.reference import ColumnReference

TOLERANCE = 0.1
"""Total variation that is nothing to be told of."""
ALPHA = 0.05
"""The chance that a version whose distributions all stay within the tolerance is ever called drifted, over all columns and days."""
_SMOOTHING = 0.5

State = Literal["drifted", "steady", "undecided"]


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """A column's distance from its reference, and its bounds. `psi` is the population stability index, for display.

    `drifted`: surely above the tolerance. `steady`: surely below. `undecided`: the sample is too small to tell.
    """

    name: str
    state: State
    distance: float
    lower: float
    upper: float
    psi: float
    reference_counts: tuple[int, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]


def compute_alpha_of_day(day_number: int, *, alpha: float = ALPHA) -> float:
    """Return the share of `alpha` that a version's n-th day of service may use; all days together use it up.

    Raises:
        ValueError: `day_number` is not 1 or more.
    """
    if day_number < 1:
        raise ValueError(f"days are numbered from 1, got {day_number}")
    return alpha * 6.0 / (pi * day_number) ** 2


def compare_column(reference: ColumnReference, counts: Sequence[int], *, alpha: float, tolerance: float = TOLERANCE) -> ColumnDrift:
    """Return how far `counts` are from the reference; each bound holds with probability 1 - `alpha`, and so do both.

    Raises:
        ValueError: There is not one count for each bin.
    """
    if len(counts) != len(reference.counts):
        raise ValueError(f"{reference.name} has {len(reference.counts)} bins, got {len(counts)} counts")
    before, now = sum(reference.counts), sum(counts)
    if not before or not now:
        return _describe(reference, counts, state="undecided", distance=0.0, bounds=(0.0, 1.0))
    shares = [(known / before, found / now) for known, found in zip(reference.counts, counts, strict=True)]
    distance = sum(abs(known - found) for known, found in shares) / 2
    deviation = sum(_bound_deviation(size, len(counts), alpha / 2) for size in (before, now)) / 2
    bounds = max(0.0, distance - deviation), min(1.0, distance + deviation)
    state: State = "drifted" if bounds[0] > tolerance else "steady" if bounds[1] < tolerance else "undecided"
    return _describe(reference, counts, state=state, distance=distance, bounds=bounds)


def _bound_deviation(size: int, bins: int, alpha: float) -> float:
    """Return what the L1 distance of a sample's shares from its distribution's exceeds with probability `alpha` at most."""
    return sqrt(2.0 / size * (log(2.0**bins - 2.0) - log(alpha)))


def _describe(
    reference: ColumnReference, counts: Sequence[int], *, state: State, distance: float, bounds: tuple[float, float]
) -> ColumnDrift:
    return ColumnDrift(
        name=reference.name,
        state=state,
        distance=distance,
        lower=bounds[0],
        upper=bounds[1],
        psi=_compute_psi(reference.counts, counts),
        reference_counts=reference.counts,
        counts=tuple(counts),
        edges=reference.edges,
    )


def _compute_psi(reference: Sequence[int], counts: Sequence[int]) -> float:
    """Return the population stability index, with half a count added to each bin."""
    before, now = (sum(each) + _SMOOTHING * len(each) for each in (reference, counts))
    pairs = (((known + _SMOOTHING) / before, (found + _SMOOTHING) / now) for known, found in zip(reference, counts, strict=True))
    return sum((found - known) * log(found / known) for known, found in pairs)
