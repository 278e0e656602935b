"""Several questions at once: Holm for arms on the primary metric, e-BH for secondary metrics.

References:
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (Scandinavian Journal of Statistics 6, 1979).
    Wang & Ramdas, "False Discovery Rate Control with E-values" (JRSS B 84, 2022), arXiv 2009.02824, definition 2.
"""

from __future__ import annotations

from collections.abc import Sequence


def adjust_by_holm(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p-values, in the order given: rejecting those <= alpha errs at all with probability <= alpha.

    Valid under any dependence, and at every look when the p-values are anytime-valid.

    Raises:
        ValueError: A p-value is not in [0, 1].
    """
    _require(all(0.0 <= value <= 1.0 for value in p_values), f"p-values must be in [0, 1], got {list(p_values)}")
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted


def select_by_e_bh(e_values: Sequence[float], *, alpha: float) -> list[bool]:
    """Return which effects count as found, in the order given: of these an expected share of at most `alpha` is none.

    Valid under any dependence. The k largest are found for the greatest k whose k-th largest e-value is >= n / (alpha k).

    Raises:
        ValueError: An e-value is negative, or `alpha` is not in (0, 1).
    """
    _require(0.0 < alpha < 1.0, f"alpha must be in (0, 1), got {alpha}")
    _require(all(value >= 0.0 for value in e_values), f"e-values must not be negative, got {list(e_values)}")
    descending = sorted(e_values, reverse=True)
    needed = [len(e_values) / (alpha * rank) for rank in range(1, len(e_values) + 1)]
    found = max((rank for rank, (value, least) in enumerate(zip(descending, needed, strict=True), start=1) if value >= least), default=0)
    return [bool(found) and value >= descending[found - 1] for value in e_values]


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise ValueError(message)
