"""Sample-ratio mismatch: are the units split as planned? A test that may be looked at again and again, and the classic one.

References:
    Lindon & Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022, arXiv 2011.03567, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, isclose, log

from scipy.special import chdtrc

from presage.stats.elementwise import Array, Real, holds_anywhere
from presage.stats.gamma import log_gamma

CONCENTRATION = 10_000.0
"""Weight of the prior, in units: the test is most sensitive to small mismatches in samples of about this size."""


def compute_log_bayes_factor(counts: Sequence[Real], weights: Sequence[float], *, concentration: float = CONCENTRATION) -> Real:
    """Return ln of the Dirichlet-multinomial Bayes factor of "another split" against the intended `weights`.

    Shape: one count and one weight for each arm; the weights are shares in (0, 1) that sum to 1.

    Raises:
        ValueError: Lengths differ, a count is negative, or the weights are not shares.
    """
    _require_shares(counts, weights)
    total, factor = counts[0] * 0.0, counts[0] * 0.0
    for count, weight in zip(counts, weights, strict=True):
        prior = concentration * weight
        factor = factor + log_gamma(prior + count) - log_gamma(prior) - count * log(weight)
        total = total + count
    return factor + log_gamma(concentration) - log_gamma(concentration + total)


def compute_sequential_p(log_bayes_factors: Iterable[float]) -> float:
    """Return the anytime-valid p-value of all looks so far: the smallest min(1, 1/BF), 1 before the first look."""
    return min((exp(-max(0.0, factor)) for factor in log_bayes_factors), default=1.0)


def compute_chi_square_p(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Return the p-value of Pearson's chi-square test for one fixed look. For display: it may not be looked at repeatedly.

    Raises:
        ValueError: As `compute_log_bayes_factor`, or there are no units.
    """
    _require_shares(counts, weights)
    total = sum(counts)
    if not total:
        raise ValueError("chi-square needs at least one unit")
    statistic = sum((count - total * weight) ** 2 / (total * weight) for count, weight in zip(counts, weights, strict=True))
    return float(chdtrc(len(counts) - 1, statistic))


def _require_shares(counts: Sequence[float | Array], weights: Sequence[float]) -> None:
    if len(counts) != len(weights) or len(counts) < 2:  # noqa: PLR2004 - a ratio needs two
        raise ValueError(f"need one weight for each of at least two arms, got {len(counts)} counts and {len(weights)} weights")
    if any(holds_anywhere(count < 0) for count in counts):
        raise ValueError(f"counts must not be negative, got {list(counts)}")
    if min(weights) <= 0.0 or not isclose(sum(weights), 1.0):
        raise ValueError(f"weights must be shares that sum to 1, got {list(weights)}")
