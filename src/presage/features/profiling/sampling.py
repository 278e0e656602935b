"""A sample of exact size: the rows with the smallest hashes, and enough of every value of columns with few values.

A row is in the sample when its hash is below the threshold of all rows or that of one of its classes. So its chance was the greatest of
these thresholds, and one over that is its weight: sums over the sample, weighted, estimate sums over all rows.

References:
    Cohen & Kaplan, "Summarizing Data Using Bottom-k Sketches" (2007); Ting, "Adaptive Threshold Sampling" (2022), section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from presage.features.profiling.hashing import HASH_SPACE, Hashes

CLASSES_AT_MOST = 20
"""A column with more different values has no classes."""
CLASS_QUOTA = 25
"""Rows of each class that are in the sample if there are so many; fewer when all quotas would exceed half of the sample."""

Label = str | float | bool | None


@dataclass(frozen=True)
class Classes:
    """The class of each row of a piece by one column: a place in `labels`; nulls are a class of their own, -1."""

    labels: Sequence[Label]
    codes: NDArray[np.int64]


@dataclass(frozen=True)
class SampledRows:
    """Rows of the sample, in the order of their hashes, and how many rows each stands for."""

    rows: Any
    weights: NDArray[np.float64]


class StratifiedSample:
    """The rows that may be in the sample. Merging is exact: the same rows give the same sample in any order and split."""

    def __init__(self, size: int) -> None:
        """Sample `size` rows."""
        self._size = size
        self._labels: dict[str, dict[Label, int]] = {}
        self._hashes: Hashes = np.empty(0, dtype=np.uint64)
        self._codes: dict[str, NDArray[np.int64]] = {}
        self._rows: list[Any] = []
        self._bounds: dict[str, Hashes] = {}
        self._bound = np.uint64(2**64 - 1)
        self._unclassed: set[str] = set()

    def add(self, rows: Any, hashes: Hashes, classes: Mapping[str, Classes | None]) -> None:  # noqa: ANN401 - Arrow has no types
        """Add rows (an Arrow record batch), their hashes, and their classes by column; None for a column with too many values."""
        codes: dict[str, NDArray[np.int64]] = {}
        for name, found in classes.items():
            places = None if name in self._unclassed else self._register(name, None if found is None else found.labels)
            if places is not None and found is not None:
                codes[name] = np.append(places, 0)[found.codes]
        wanted = hashes <= self._bound
        for name, own in codes.items():
            wanted |= hashes <= self._bounds[name][own]
        self._append(rows, hashes, codes, np.flatnonzero(wanted))

    def merge(self, other: StratifiedSample) -> None:
        """Add all rows that `other` was given."""
        for name in other._unclassed:
            self._forget_classes(name)
        codes: dict[str, NDArray[np.int64]] = {}
        for name, found in other._codes.items():
            places = None if name in self._unclassed else self._register(name, list(other._labels[name]))
            if places is not None:
                codes[name] = places[found]
        if other._hashes.size:
            self._append(pa.concat_tables(other._rows), other._hashes, codes, np.arange(other._hashes.size))

    def choose(self) -> SampledRows:
        """Return exactly min(size, all) rows."""
        order = np.argsort(self._hashes, kind="stable")
        hashes, quota = self._hashes[order], self._compute_quota()
        chosen, chances = np.zeros(hashes.size, dtype=np.bool_), np.zeros(hashes.size)
        for name, found in self._codes.items() if quota else ():
            codes = found[order]
            for code in range(len(self._labels[name])):
                members = np.flatnonzero(codes == code)
                chosen[members[:quota]] = True
                bound = float(hashes[members[quota]]) if members.size > quota else HASH_SPACE
                chances[members] = np.maximum(chances[members], bound)
        others, room = np.flatnonzero(~chosen), max(self._size - int(chosen.sum()), 0)
        bound = float(hashes[others[room]]) if others.size > room else HASH_SPACE
        chosen[others[:room]] = True
        places = np.flatnonzero(chosen)
        rows = pa.concat_tables(self._rows).take(pa.array(order[places])) if self._rows else None
        return SampledRows(rows, HASH_SPACE / np.maximum(np.maximum(chances[places], bound), 1.0))

    def _compute_quota(self) -> int:
        classes = sum(len(labels) for name, labels in self._labels.items() if name in self._codes)
        return min(CLASS_QUOTA, self._size // (2 * classes)) if classes else 0

    def _register(self, name: str, labels: Sequence[Label] | None) -> NDArray[np.int64] | None:
        """Return the code of each label, or None when the column has no classes (any more). Nulls have the code 0."""
        known = self._labels.setdefault(name, {None: 0})
        for label in labels or ():
            known.setdefault(label, len(known))
        if labels is None or len(known) > CLASSES_AT_MOST + 1:
            self._forget_classes(name)
            return None
        self._codes.setdefault(name, np.zeros(self._hashes.size, dtype=np.int64))
        bounds = self._bounds.setdefault(name, np.empty(0, dtype=np.uint64))
        self._bounds[name] = np.concatenate([bounds, np.full(len(known) - bounds.size, 2**64 - 1, dtype=np.uint64)])
        return np.array([known[label] for label in labels], dtype=np.int64)

    def _forget_classes(self, name: str) -> None:
        self._unclassed.add(name)
        for kept in (self._labels, self._codes, self._bounds):
            kept.pop(name, None)

    def _append(self, rows: Any, hashes: Hashes, codes: Mapping[str, NDArray[np.int64]], places: NDArray[np.int64]) -> None:  # noqa: ANN401 - Arrow has no types
        """Keep of the rows at `places` those that may be in the sample."""
        taken = hashes[places]
        classes = {name: found[places] for name, found in codes.items()}
        are_many = taken.size > 2 * self._size
        if are_many:
            kept = self._find_possible(taken, classes)
            places, taken = places[kept], taken[kept]
            classes = {name: found[kept] for name, found in classes.items()}
        self._hashes = np.concatenate([self._hashes, taken])
        self._codes = {name: np.concatenate([found, classes[name]]) for name, found in self._codes.items()}
        self._rows.append(_decode(rows.take(pa.array(places))))
        if are_many or self._hashes.size > self._count_possible() + 2 * self._size:
            self._settle()

    def _settle(self) -> None:
        """Forget rows that cannot be in the sample any more, and learn from the others below what a new one must be."""
        kept = self._find_possible(self._hashes, self._codes)
        self._rows = [pa.concat_tables(self._rows).take(pa.array(kept))]
        self._hashes = self._hashes[kept]
        self._codes = {name: found[kept] for name, found in self._codes.items()}
        if self._hashes.size > self._size:
            self._bound = np.partition(self._hashes, self._size)[self._size]
        for name, found in self._codes.items():
            for code in range(len(self._labels[name])):
                members = self._hashes[found == code]
                if members.size > CLASS_QUOTA:
                    self._bounds[name][code] = np.partition(members, CLASS_QUOTA)[CLASS_QUOTA]

    def _find_possible(self, hashes: Hashes, codes: Mapping[str, NDArray[np.int64]]) -> NDArray[np.int64]:
        """Return the places of the smallest hashes, of all and of every class; one more of each, which is its threshold."""
        order = np.argsort(hashes, kind="stable")
        wanted = np.zeros(hashes.size, dtype=np.bool_)
        wanted[order[: self._size + 1]] = True
        for name, found in codes.items():
            for code in range(len(self._labels[name])):
                wanted[order[found[order] == code][: CLASS_QUOTA + 1]] = True
        return np.flatnonzero(wanted)

    def _count_possible(self) -> int:
        classes = sum(len(labels) for labels in self._labels.values())
        return self._size + classes * CLASS_QUOTA


def _decode(rows: Any) -> Any:  # noqa: ANN401 - Arrow has no types
    """Return the rows as a table of plain columns: pieces need not know the same dictionaries."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
    fields = [pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    return table.cast(pa.schema(fields))
