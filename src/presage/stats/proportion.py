"""A binary metric: how many of a variant's units converted."""

from __future__ import annotations

from presage.stats.effect import Sample
from presage.stats.elementwise import Real, holds_anywhere
from presage.stats.inconclusive import Inconclusive


def summarise_proportion(units: Real, conversions: Real) -> Sample[Real] | Inconclusive:
    """Return the share that converted, and the variance of one unit's outcome, p (1 - p). Inconclusive without units."""
    if holds_anywhere(units == 0):
        return Inconclusive("an arm has no units")
    share = conversions / units
    return Sample(units, share, share * (1.0 - share))
