"""How often texts occur: exactly while there are few different ones, then those that occur often, within a bound.

Of a piece of many different texts only those are counted whose hash falls into a crowded cell: a text that is left out occurred less often
in the piece than a cell must hold. So a count is never too high, and too low by at most `undercount`.

References:
    Charikar, Chen & Farach-Colton, "Finding Frequent Items in Data Streams" (2002), section 1, for the problem; Misra & Gries, "Finding
    Repeated Elements" (1982), for counts that are never too high.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from presage.features.profiling.distinct import DistinctCount
from presage.features.profiling.hashing import hash_texts

EXACT_TEXTS = 2_048
"""So many different texts are counted exactly; with more, the frequent ones."""
_CELL_BITS = np.uint64(48)
_CELLS = 1 << 16
_CROWDED_SHARE = 1_024
"""A cell is crowded with this part of a piece: a text that is more frequent than 1 / 1024 of the rows (0.1 %) is found."""
_MOST_COUNTED = 8 * EXACT_TEXTS


class TextCounts:
    """Counts of texts, and of different texts."""

    def __init__(self) -> None:
        """Start empty."""
        self.undercount = 0
        self._counts: dict[str, int] = {}
        self._distinct: DistinctCount | None = None

    @property
    def is_exact(self) -> bool:
        """Whether every text is counted exactly."""
        return self._distinct is None

    def add_encoded(self, encoded: Any) -> None:  # noqa: ANN401 - Arrow has no types
        """Add a dictionary array; nulls are left out."""
        texts = encoded.dictionary
        if self._distinct is None and len(texts) <= EXACT_TEXTS:
            codes = pc.drop_null(encoded.indices).to_numpy()
            counts = np.bincount(codes, minlength=len(texts))
            self._add_counts(texts.to_pylist(), counts.tolist())
            if len(self._counts) > EXACT_TEXTS:
                self._start_estimating()
            return
        self.add_texts(encoded.cast(texts.type))

    def add_texts(self, texts: Any) -> None:  # noqa: ANN401 - Arrow has no types
        """Add an array of strings; nulls are left out."""
        present = pc.drop_null(texts)
        if not len(present):
            return
        hashes = hash_texts(present)
        self._start_estimating().add(hashes)
        cells = (hashes >> _CELL_BITS).view(np.int64)
        crowd = max(len(present) // _CROWDED_SHARE, 1)
        crowded = np.bincount(cells, minlength=_CELLS) >= crowd
        if crowded.any():
            found = pc.value_counts(present.filter(pa.array(crowded[cells])))
            self._add_counts(found.field("values").to_pylist(), found.field("counts").to_pylist())
        self.undercount += crowd - 1
        self._prune()

    def merge(self, other: TextCounts) -> None:
        """Add all that `other` was given; the bounds of both add up."""
        if not other.is_exact:
            self._start_estimating()
        self.undercount += other.undercount
        self._add_counts(list(other._counts), list(other._counts.values()))
        if self._distinct is None and len(self._counts) > EXACT_TEXTS:
            self._start_estimating()
        if self._distinct is not None:
            self._distinct.merge(other.count_distinct())
            self._prune()

    def count_distinct(self) -> DistinctCount:
        """Return the count of different texts."""
        if self._distinct is not None:
            return self._distinct
        distinct = DistinctCount()
        distinct.add(hash_texts(pa.array(list(self._counts), type=pa.string())))
        return distinct

    def list_most_frequent(self, at_most: int) -> list[tuple[str, int]]:
        """Return texts and their counts, the most frequent first, ties in their order."""
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:at_most]

    def _add_counts(self, texts: list[str], counts: list[int]) -> None:
        known = self._counts
        for text, count in zip(texts, counts, strict=True):
            if count:
                known[text] = known.get(text, 0) + count

    def _start_estimating(self) -> DistinctCount:
        if self._distinct is None:
            self._distinct = self.count_distinct()
        return self._distinct

    def _prune(self) -> None:
        """Forget the rarest of too many counted texts; what is forgotten may have occurred as often as the commonest of them."""
        if len(self._counts) > _MOST_COUNTED:
            ranked = self.list_most_frequent(len(self._counts))
            self.undercount += ranked[EXACT_TEXTS][1]
            self._counts = dict(ranked[:EXACT_TEXTS])
