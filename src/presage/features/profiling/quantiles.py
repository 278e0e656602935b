"""Quantiles of numbers that come in pieces: exact while there are few, then within a bound that is added up as it arises.

A sorted piece is replaced by the medians of groups of neighbours, each standing for its group. A rank told from them is wrong by at most
half a group, and the errors of pieces add up as their rows do, so the relative error does not grow with the number of pieces. Nothing is
left to chance: the same pieces give the same answers, and the bound holds always, not with a probability.

References:
    Munro & Paterson, "Selection and Sorting with Limited Storage" (1980); Agarwal, Cormode, Huang, Phillips, Wei & Yi,
    "Mergeable Summaries" (2012), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

EXACT_ROWS = 65_536
"""So many rows are kept as they are; with more, pieces become groups."""
GROUPS_PER_PIECE = 512
"""Groups of a piece of `PIECE_ROWS` rows or less: a rank is wrong by at most 1 / 1024 of the rows, 0.1 %."""
PIECE_ROWS = 32_768
_MOST_POINTS = 65_536
_COARSE_GROUPS = 16_384
"""Points that are left of more than `_MOST_POINTS`, after some 4 M rows; each time adds about 1 / 16384 of the rows then there."""


class QuantileSketch:
    """What is known of the distribution of some numbers. `rank_error` bounds, in rows, by how much a rank told here may be wrong."""

    def __init__(self) -> None:
        """Start empty."""
        self.rows = 0
        self.rank_error = 0
        self._exact: list[Numbers] = []
        self._values: list[Numbers] = []
        self._weights: list[Counts] = []
        self._points = 0
        self._ordered: tuple[Numbers, Counts] | None = None

    def add_sorted(self, values: Numbers) -> None:
        """Add a piece, ascending, without nulls, of any length."""
        self._ordered = None
        self.rows += values.size
        if not self._points and self.rows <= EXACT_ROWS:
            self._exact.append(values)
            return
        for piece in (*self._exact, values):
            self._add_groups(piece)
        self._exact = []

    def merge(self, other: QuantileSketch) -> None:
        """Add all that `other` was given; the bounds of both add up."""
        self._ordered = None
        self.rank_error += other.rank_error
        for values, weights in zip(other._values, other._weights, strict=True):
            self._add_points(values, weights)
        self.rows += other.rows - sum(piece.size for piece in other._exact)
        for piece in other._exact:
            self.add_sorted(piece)
        if self._points and self._exact:
            kept, self._exact = self._exact, []
            for piece in kept:
                self._add_groups(piece)

    def compute_quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """Return the values below which these shares of the rows lie, by linear interpolation between neighbours; None without rows."""
        values, below = self._order()
        if not values.size:
            return [None] * len(shares)
        found: list[float | None] = []
        for share in shares:
            position = share * (self.rows - 1)
            low = values[np.searchsorted(below, np.floor(position), side="right")]
            high = values[min(int(np.searchsorted(below, np.ceil(position), side="right")), values.size - 1)]
            found.append(float(low + (high - low) * (position - np.floor(position))))
        return found

    def count_between(self, edges: Numbers) -> list[int]:
        """Return how many rows lie from each edge on to below the next; the last edge belongs to the last bin."""
        values, below = self._order()
        places = np.searchsorted(values, edges, side="left")
        places[-1] = values.size
        return [int(count) for count in np.diff(np.concatenate([[0], below])[places])]

    def _order(self) -> tuple[Numbers, Counts]:
        """Return all points ascending, and how many rows each and those before it stand for."""
        if self._ordered is None:
            exact = [np.ones(piece.size, dtype=np.int64) for piece in self._exact]
            values = np.concatenate([np.empty(0), *self._values, *self._exact])
            weights = np.concatenate([np.empty(0, dtype=np.int64), *self._weights, *exact])
            order = np.argsort(values, kind="stable")
            self._ordered = values[order], np.cumsum(weights[order])
        return self._ordered

    def _add_groups(self, piece: Numbers) -> None:
        groups = min(piece.size, GROUPS_PER_PIECE * max(1, -(-piece.size // PIECE_ROWS)))
        if not groups:
            return
        bounds = np.arange(groups + 1, dtype=np.int64) * piece.size // groups
        sizes = np.diff(bounds)
        self.rank_error += int(sizes.max()) // 2
        self._add_points(piece[bounds[:-1] + (sizes - 1) // 2], sizes)

    def _add_points(self, values: Numbers, weights: Counts) -> None:
        self._values.append(values)
        self._weights.append(weights)
        self._points += values.size
        if self._points > _MOST_POINTS:
            self._coarsen()

    def _coarsen(self) -> None:
        exact, self._exact, self._ordered = self._exact, [], None
        values, below = self._order()
        ends = np.unique(np.searchsorted(below, np.arange(1, _COARSE_GROUPS + 1, dtype=np.int64) * below[-1] // _COARSE_GROUPS))
        weights = np.diff(np.concatenate([[0], below[ends]]))
        middles = np.searchsorted(below, below[ends] - weights // 2)
        self.rank_error += int(weights.max())
        self._values, self._weights, self._points = [values[middles]], [weights], int(ends.size)
        self._exact, self._ordered = exact, None
