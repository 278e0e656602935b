"""Mergeable moments of one or two values per unit: what an hour adds is merged into what was known, in any order.

Sums of squares lose their digits when the mean is far from 0; moments around the mean do not, and merging keeps them so.

References:
    Chan, Golub & LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
    Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical Moments", Sandia
    SAND2008-6212, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from presage.stats.effect import Sample
from presage.stats.elementwise import Array, Real, holds_anywhere, is_finite, maximum
from presage.stats.inconclusive import Inconclusive

ROUNDING = 1e-12
"""Part of a sum of squares that rounding may cost: deviations below 0 by more are no sample's, smaller ones are none."""


@dataclass(frozen=True, slots=True)
class Moments(Generic[Real]):
    """Units, their mean (0 without units, and never read then), and the sum of their squared deviations from it.

    Raises:
        ValueError: Something is not finite, or units or deviations are negative.
    """

    units: Real
    mean: Real
    squares: Real

    def __post_init__(self) -> None:
        """Refuse what no sample has."""
        if not is_finite(self.units + self.mean + self.squares):
            raise ValueError(f"moments must be finite, got {self.units} units, mean {self.mean}, squares {self.squares}")
        if holds_anywhere(self.units < 0) or holds_anywhere(self.squares < 0):
            raise ValueError(f"units and squared deviations must not be negative, got {self.units} and {self.squares}")


@dataclass(frozen=True, slots=True)
class PairMoments(Generic[Real]):
    """Moments of two values of the same units, and the sum of the products of their deviations.

    Raises:
        ValueError: The two differ in units, or `products` is not finite.
    """

    first: Moments[Real]
    second: Moments[Real]
    products: Real

    def __post_init__(self) -> None:
        """Refuse what no sample has."""
        if holds_anywhere(self.first.units != self.second.units):
            raise ValueError(f"both values must be of the same units, got {self.first.units} and {self.second.units}")
        if not is_finite(self.products):
            raise ValueError(f"products must be finite, got {self.products}")


def compute_moments(values: Array) -> Moments[float]:
    """Return the moments of one value per unit, in two passes.

    Shape: `values` (units,).

    Raises:
        ValueError: A value is not finite.
    """
    if not values.size:
        return Moments(0.0, 0.0, 0.0)
    mean = float(values.mean())
    deviations = values - mean
    return Moments(float(values.size), mean, float(deviations @ deviations))


def compute_pair_moments(first: Array, second: Array) -> PairMoments[float]:
    """Return the moments of two values per unit, in two passes.

    Shape: `first` and `second` (units,), in the same order.

    Raises:
        ValueError: Lengths differ, or a value is not finite.
    """
    one, other = compute_moments(first), compute_moments(second)
    if first.shape != second.shape:
        raise ValueError(f"both values must be of the same units, got {first.size} and {second.size}")
    return PairMoments(one, other, float((first - one.mean) @ (second - other.mean)) if first.size else 0.0)


def build_moments(units: Real, *, total: Real, total_squares: Real, shift: Real) -> Moments[Real]:
    """Return the moments from sums of (value - shift) and of its square, as a warehouse computes them.

    With a `shift` near the mean the sums lose no digits; any value of the sample will do, 0 only when means are small beside deviations.

    Raises:
        ValueError: The sums are no sample's: squares too small for their total, or either without units.
    """
    if holds_anywhere((units == 0) & ((total != 0) | (total_squares != 0))):
        raise ValueError(f"without units sums must be 0, got {total} and {total_squares}")
    average = total / maximum(units, 1.0)
    squares = total_squares - total * average
    if holds_anywhere(squares < -ROUNDING * total_squares):
        raise ValueError(f"the sum of squares {total_squares} is too small for {units} units that sum to {total}")
    return Moments(units, (average + shift) * (units > 0), maximum(squares, 0.0))


def build_pair_moments(first: Moments[Real], second: Moments[Real], *, product: Real, shifts: tuple[Real, Real]) -> PairMoments[Real]:
    """Return the moments of both values from the sum of (value - shift) x (value - shift), each with its own shift."""
    expected = first.units * (first.mean - shifts[0]) * (second.mean - shifts[1])
    return PairMoments(first, second, product - expected)


def merge_moments(one: Moments[Real], other: Moments[Real]) -> Moments[Real]:
    """Return the moments of both sets of units. Commutative exactly; associative, and unchanged by no units, but for rounding."""
    units, apart = one.units + other.units, other.mean - one.mean
    some = maximum(units, 1.0)
    mean = (one.units * one.mean + other.units * other.mean) / some
    return Moments(units, mean, one.squares + other.squares + apart * apart * (one.units * other.units / some))


def merge_pair_moments(one: PairMoments[Real], other: PairMoments[Real]) -> PairMoments[Real]:
    """Return the moments of both sets of units. As `merge_moments`."""
    first, second = merge_moments(one.first, other.first), merge_moments(one.second, other.second)
    apart = (other.first.mean - one.first.mean) * (other.second.mean - one.second.mean)
    together = one.first.units * other.first.units / maximum(first.units, 1.0)
    return PairMoments(first, second, one.products + other.products + apart * together)


def summarise_mean(moments: Moments[Real]) -> Sample[Real] | Inconclusive:
    """Return the mean and the sample variance, with n - 1. Inconclusive below two units."""
    if holds_anywhere(moments.units < 2):  # noqa: PLR2004 - a variance needs two
        return Inconclusive("an arm has fewer than two units")
    return Sample(moments.units, moments.mean, moments.squares / (moments.units - 1.0))
