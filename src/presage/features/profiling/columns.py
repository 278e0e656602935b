"""What is kept of one column while the rows of a version go by. Everything can be merged; memory does not grow with rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from presage.features.profiling.distinct import DistinctCount
from presage.features.profiling.frequencies import TextCounts
from presage.features.profiling.hashing import hash_words
from presage.features.profiling.quantiles import Numbers, QuantileSketch
from presage.stats.moments import Moments, compute_moments, merge_moments

LARGEST_SQUARED = 1e140
"""A column with a number beyond this has no mean and deviation: their sums would not be finite."""


class OrderedColumn:
    """Range and quantiles of numbers, or of instants as microseconds."""

    def __init__(self) -> None:
        """Start empty."""
        self.minimum: float | None = None
        self.maximum: float | None = None
        self.quantiles = QuantileSketch()

    def add_sorted(self, values: Numbers) -> None:
        """Add values, ascending, without nulls."""
        if values.size:
            self._widen(float(values[0]), float(values[-1]))
            self.quantiles.add_sorted(values)

    def merge(self, other: OrderedColumn) -> None:
        """Add all of `other`."""
        if other.minimum is not None and other.maximum is not None:
            self._widen(other.minimum, other.maximum)
            self.quantiles.merge(other.quantiles)

    def _widen(self, low: float, high: float) -> None:
        self.minimum = low if self.minimum is None else min(self.minimum, low)
        self.maximum = high if self.maximum is None else max(self.maximum, high)


class NumberColumn(OrderedColumn):
    """Numbers: range, quantiles, moments and how many are different."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.nulls = 0
        self.distinct = DistinctCount()
        self.moments = Moments(0.0, 0.0, 0.0)

    @property
    def is_summable(self) -> bool:
        """Whether mean and deviation are finite."""
        return self.minimum is None or self.maximum is None or max(-self.minimum, self.maximum) <= LARGEST_SQUARED

    def add(self, values: Numbers, *, nulls: int) -> Numbers:
        """Add values without nulls, and so many nulls; return the different ones, ascending."""
        self.nulls += nulls
        ordered = np.sort(values)
        different = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if ordered.size else ordered
        self.add_sorted(ordered)
        self.distinct.add(hash_words(different))
        if self.is_summable:
            self.moments = merge_moments(self.moments, compute_moments(values))
        return different

    def merge(self, other: OrderedColumn) -> None:
        """Add all of `other`, which is of the same kind."""
        super().merge(other)
        if isinstance(other, NumberColumn):
            self.nulls += other.nulls
            self.distinct.merge(other.distinct)
            if self.is_summable:
                self.moments = merge_moments(self.moments, other.moments)


class TextColumn:
    """Texts: nulls, and how often which occur."""

    def __init__(self) -> None:
        """Start empty."""
        self.nulls = 0
        self.counts = TextCounts()

    def add(self, column: Any) -> Any:  # noqa: ANN401 - Arrow has no types
        """Add an array of strings, encoded or not; return it encoded, or None when there are many different texts."""
        self.nulls += column.null_count
        is_encoded = hasattr(column, "dictionary")
        if not is_encoded and not self.counts.is_exact:
            self.counts.add_texts(column)
            return None
        encoded = column if is_encoded else column.dictionary_encode()
        self.counts.add_encoded(encoded)
        return encoded

    def merge(self, other: TextColumn) -> None:
        """Add all of `other`."""
        self.nulls += other.nulls
        self.counts.merge(other.counts)


class BooleanColumn:
    """Truth values: nulls, and how often both occur."""

    def __init__(self) -> None:
        """Start empty."""
        self.nulls = self.true = self.false = 0

    def add(self, *, true: int, false: int, nulls: int) -> None:
        """Add so many values."""
        self.true += true
        self.false += false
        self.nulls += nulls

    def merge(self, other: BooleanColumn) -> None:
        """Add all of `other`."""
        self.add(true=other.true, false=other.false, nulls=other.nulls)
