"""How many different values there are, from the smallest hashes: exact while there are few, then within a known error.

References:
    Bar-Yossef, Jayram, Kumar, Sivakumar & Trevisan, "Counting Distinct Elements in a Data Stream" (2002), algorithm 1.
    Beyer, Haas, Reinwald, Sismanis & Gemulla, "On Synopses for Distinct-Value Estimation Under Multiset Operations" (2007), section 4.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from presage.features.profiling.hashing import HASH_SPACE, Hashes

KEPT_HASHES = 8_192
"""Below so many distinct values the count is exact; above, its relative standard error is 1 / sqrt(KEPT_HASHES - 2), 1.1 %."""


class DistinctCount:
    """The smallest hashes of what was added. Merging is exact: the same values give the same state in any order and split."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: Hashes = np.empty(0, dtype=np.uint64)
        self._bound: np.uint64 | None = None
        self._waiting: list[Hashes] = []
        self._waiting_hashes = 0

    def add(self, hashes: Hashes) -> None:
        """Add values by their hashes."""
        fresh = hashes if self._bound is None else hashes[hashes < self._bound]
        if fresh.size:
            self._waiting.append(fresh)
            self._waiting_hashes += fresh.size
            if self._waiting_hashes >= KEPT_HASHES:
                self._settle()

    def merge(self, other: DistinctCount) -> None:
        """Add all that `other` was given."""
        self.add(other.list_kept())

    def list_kept(self) -> Hashes:
        """Return the smallest hashes, ascending, each once."""
        self._settle()
        return self._kept

    def estimate(self) -> int:
        """Return the number of distinct values."""
        kept = self.list_kept()
        if self._bound is None:
            return int(kept.size)
        return round((KEPT_HASHES - 1) / (float(self._bound) / HASH_SPACE))

    @property
    def standard_error(self) -> float:
        """The relative standard error of the estimate; 0.0 while it is exact."""
        self._settle()
        return 0.0 if self._bound is None else 1.0 / sqrt(KEPT_HASHES - 2)

    def _settle(self) -> None:
        if not self._waiting:
            return
        together = np.concatenate([self._kept, *self._waiting])
        self._waiting, self._waiting_hashes = [], 0
        together.sort()
        if together.size > 1:
            together = together[np.concatenate([[True], together[1:] != together[:-1]])]
        self._kept = together[:KEPT_HASHES]
        if self._kept.size == KEPT_HASHES:
            self._bound = self._kept[-1]
