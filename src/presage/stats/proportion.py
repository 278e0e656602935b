"""A binary metric: how many of a variant's units converted."""

from __future__ import annotations

from dataclasses import dataclass

from presage.stats.effect import Sample
from presage.stats.elementwise import Real, holds_anywhere
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


def summarise_proportion(units: Real, conversions: Real) -> Sample[Real] | Inconclusive:
    """Return the share that converted, and the variance of one unit's outcome, p (1 - p). Inconclusive without units."""
    if holds_anywhere(units == 0):
        return Inconclusive("an arm has no units")
    share = conversions / units
    return Sample(units, share, share * (1.0 - share))
