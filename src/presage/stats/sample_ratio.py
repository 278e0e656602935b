"""Sample-ratio mismatch: are the units split as planned? A test that may be looked at again and again, and the classic one.

References:
    Lindon & Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022, arXiv 2011.03567, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import erfc, exp, gamma, isclose, lgamma, log, sqrt

CONCENTRATION = 10_000.0
"""Weight of the prior, in units: the test is most sensitive to small mismatches in samples of about this size."""


def compute_log_bayes_factor(counts: Sequence[int], weights: Sequence[float], *, concentration: float = CONCENTRATION) -> float:
    """Return ln of the Dirichlet-multinomial Bayes factor of "another split" against the intended `weights`.

    Shape: one count and one weight for each arm; the weights are shares in (0, 1) that sum to 1.

    Raises:
        ValueError: Lengths differ, a count is negative, or the weights are not shares.
    """
    _require_shares(counts, weights)
    total = sum(counts)
    factor = lgamma(concentration) - lgamma(concentration + total)
    for count, weight in zip(counts, weights, strict=True):
        prior = concentration * weight
        factor += lgamma(prior + count) - lgamma(prior) - count * log(weight)
    return factor


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
    return compute_chi_square_survival(statistic, degrees=len(counts) - 1)


def compute_chi_square_survival(statistic: float, *, degrees: int) -> float:
    """Return P(X > `statistic`) of a chi-square with `degrees` >= 1, by the recurrence of the incomplete gamma function.

    References: NIST Digital Library of Mathematical Functions, 8.8.6.
    """
    half = statistic / 2.0
    survival, shape = (erfc(sqrt(half)), 0.5) if degrees % 2 else (exp(-half), 1.0)
    while shape < degrees / 2.0:
        survival += half**shape * exp(-half) / gamma(shape + 1.0)
        shape += 1.0
    return min(1.0, survival)


def _require_shares(counts: Sequence[int], weights: Sequence[float]) -> None:
    if len(counts) != len(weights) or len(counts) < 2:  # noqa: PLR2004 - a ratio needs two
        raise ValueError(f"need one weight for each of at least two arms, got {len(counts)} counts and {len(weights)} weights")
    if min(counts) < 0:
        raise ValueError(f"counts must not be negative, got {list(counts)}")
    if min(weights) <= 0.0 or not isclose(sum(weights), 1.0):
        raise ValueError(f"weights must be shares that sum to 1, got {list(weights)}")
