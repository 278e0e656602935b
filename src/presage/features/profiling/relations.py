"""Means, deviations and correlations of several columns at once, of the rows in which both columns of a pair have a value."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from presage.stats.moments import Moments, PairMoments, merge_pair_moments

Matrix: TypeAlias = NDArray[np.float64]

LARGEST_SQUARED = 1e140
"""A column with a value beyond this has no deviations or correlations: their squares would not be finite."""


_BLOCK_ROWS = 8_192
"""So many rows of a few columns stay in the processor's cache while they are multiplied."""
_ROUNDING = 1e-13
"""Part of a mean below which a deviation is rounding."""


class Relations:
    """Moments of every pair of columns. A state of no rows is changed by the first piece alone."""

    def __init__(self, columns: int) -> None:
        """Start empty, for so many columns."""
        self._columns = columns
        self._moments: PairMoments[Matrix] | None = None
        self._too_large = np.zeros(columns, dtype=np.bool_)

    def add(self, values: Matrix, present: NDArray[np.bool_]) -> None:
        """Add rows. Shape: both (columns, rows); where nothing is `present`, the value is 0. `values` is used up."""
        for begin in range(0, values.shape[1] if self._columns else 0, _BLOCK_ROWS):
            self._add_block(values[:, begin : begin + _BLOCK_ROWS], present[:, begin : begin + _BLOCK_ROWS])

    def _add_block(self, values: Matrix, present: NDArray[np.bool_]) -> None:
        self._too_large |= (values.max(axis=1) > LARGEST_SQUARED) | (values.min(axis=1) < -LARGEST_SQUARED)
        values[self._too_large] = 0.0
        counts = present.sum(axis=1)
        shifts = values.sum(axis=1) / np.maximum(counts, 1)
        whole = counts == values.shape[1]
        values -= shifts[:, None]
        partial = np.flatnonzero(~whole)
        values[partial] *= present[partial]
        masks = np.concatenate([np.ones((1, values.shape[1])), present[partial].astype(np.float64)])
        place = np.zeros(self._columns, dtype=np.int64)
        place[partial] = np.arange(1, partial.size + 1)
        units = (masks @ masks.T)[np.ix_(place, place)]
        totals, products = (values @ masks.T)[:, place], values @ values.T
        squares = ((values * values) @ masks.T)[:, place]
        self._merge(_build(units, totals, squares, products, shifts))

    def merge(self, other: Relations) -> None:
        """Add all rows of `other`, of the same columns."""
        self._too_large |= other._too_large
        if other._moments is not None:
            self._merge(other._moments)

    def compute_correlations(self) -> Matrix:
        """Return Pearson's correlation of each pair; nan where it is not defined. Shape: (columns, columns)."""
        if self._moments is None:
            return np.full((self._columns, self._columns), np.nan)
        moments, products = self._moments, self._moments.products
        scale = np.sqrt(moments.first.squares) * np.sqrt(moments.second.squares)
        varies = moments.first.squares > moments.first.units * (_ROUNDING * moments.first.mean) ** 2
        defined = varies & varies.T & (moments.first.units > 1)
        defined &= ~(self._too_large[:, None] | self._too_large[None, :])
        found = np.divide(products, scale, out=np.full_like(products, np.nan), where=defined)
        bounded: Matrix = np.clip(found, -1.0, 1.0)
        return bounded

    def count_pairs(self) -> Matrix:
        """Return in how many rows both columns of a pair have a value. Shape: (columns, columns)."""
        return np.zeros((self._columns, self._columns)) if self._moments is None else self._moments.first.units

    def _merge(self, moments: PairMoments[Matrix]) -> None:
        self._moments = moments if self._moments is None else merge_pair_moments(self._moments, moments)


def _build(units: Matrix, totals: Matrix, squares: Matrix, products: Matrix, shifts: Matrix) -> PairMoments[Matrix]:
    """Return the moments of pairs (row, column): the first of the row's column, the second of the column's.

    Unlike `build_moments` it takes sums that rounding has made too small: a column that hardly varies is no error here.
    """
    apart = totals / np.maximum(units, 1.0)
    deviations = np.maximum(squares - totals * apart, 0.0)
    means = (apart + shifts[:, None]) * (units > 0)
    products = products - units * apart * apart.T
    return PairMoments(Moments(units, means, deviations), Moments(units, means.T, deviations.T), products)
