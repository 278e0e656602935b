"""What is said about a training set: statistics of its columns, and the cells that a naive join would have got wrong.

Both are merged in a fixed order from parts of the rows, so that the same rows give the same bits.
Reachable from Spark steps: standard library only, importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

NUMBER = "number"
NAIVE_JOINS = ("known_time_ignored", "newest_values")
"""Joins that leak: by the event's time alone, and by what is known at the cut-off, whatever the observation's time."""


@dataclass(frozen=True)
class Moments:
    """Of a feature in a split: values, nulls, mean, sum of squared deviations from it, least and greatest; NaN counts as null."""

    values: int = 0
    nulls: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both together.

        References: Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance, formula 1.1.
        """
        values, nulls = self.values + other.values, self.nulls + other.nulls
        if not self.values or not other.values:
            some = other if other.values else self
            return Moments(values, nulls, some.mean, some.squares, some.least, some.greatest)
        gap = other.mean - self.mean
        mean = self.mean + gap * other.values / values
        squares = self.squares + other.squares + gap * gap * self.values * other.values / values
        return Moments(values, nulls, mean, squares, min(self.least, other.least), max(self.greatest, other.greatest))


@dataclass(frozen=True)
class Cell:
    """One cell that a naive join gets wrong; `at_us` is the observation's time."""

    at_us: int
    entity_id: str
    item: str
    value: Optional[float]
    naive: Optional[float]


@dataclass(frozen=True)
class Leak:
    """How many cells of a feature a naive join gets wrong, the first of them by (time, entity, item) and the last."""

    cells: int
    first: Cell
    last: Cell

    def merge(self, other: Leak) -> Leak:
        """Return the leak of both together."""
        ends = sorted((self.first, self.last, other.first, other.last), key=lambda cell: (cell.at_us, cell.entity_id, cell.item))
        return Leak(self.cells + other.cells, ends[0], ends[-1])


@dataclass(frozen=True)
class Findings:
    """What was found in some rows.

    `labels` counts rows by (split, label), numbers that are no classes as `NUMBER`; `moments` are by
    (split, feature), `leaks` by (naive join, feature), `usable` counts the usable records by source.
    """

    labels: Dict[Tuple[str, str], int] = field(default_factory=dict)
    moments: Dict[Tuple[str, str], Moments] = field(default_factory=dict)
    leaks: Dict[Tuple[str, str], Leak] = field(default_factory=dict)
    usable: Dict[str, int] = field(default_factory=dict)


def merge_findings(parts: Iterable[Findings]) -> Findings:
    """Return what was found in all parts, which come in a fixed order."""
    together = Findings()
    for part in parts:
        for label, count in part.labels.items():
            together.labels[label] = together.labels.get(label, 0) + count
        for key, moments in part.moments.items():
            together.moments[key] = together.moments.get(key, Moments()).merge(moments)
        for key, leak in part.leaks.items():
            together.leaks[key] = together.leaks[key].merge(leak) if key in together.leaks else leak
        for source, count in part.usable.items():
            together.usable[source] = together.usable.get(source, 0) + count
    return together


def describe_statistics(found: Findings) -> Dict[str, object]:
    """Return the statistics as JSON: per split the rows, the rows of each label, and the moments of each feature."""
    splits: Dict[str, Dict[str, Any]] = {}
    for (split, label), count in sorted(found.labels.items()):
        told = splits.setdefault(split, {"rows": 0, "labels": {}, "features": {}})
        told["rows"] += count
        told["labels"][label] = count
    for (split, feature), moments in found.moments.items():
        splits[split]["features"][feature] = _describe_moments(moments)
    return {"format": 1, "splits": splits}


def _describe_moments(moments: Moments) -> Dict[str, object]:
    some = moments.values > 0
    variance = moments.squares / (moments.values - 1) if moments.values > 1 else None
    told = {
        "mean": moments.mean if some else None,
        "standard_deviation": None if variance is None else _finite(math.sqrt(variance) if variance >= 0 else math.nan),
        "least": moments.least if some else None,
        "greatest": moments.greatest if some else None,
    }
    return {"values": moments.values, "nulls": moments.nulls, **{name: _finite(value) for name, value in told.items()}}


def describe_leaks(found: Findings, features: Iterable[str]) -> Dict[str, object]:
    """Return the leak report as JSON: per naive join the cells it gets wrong, in all and by feature, with two examples each."""
    rows = sum(found.labels.values())
    names: List[str] = list(features)
    joins: Dict[str, object] = {}
    for join in NAIVE_JOINS:
        leaks = {name: found.leaks[join, name] for name in names if (join, name) in found.leaks}
        told = {name: _describe_leak(leaks[name]) if name in leaks else {"wrong_cells": 0, "examples": []} for name in names}
        joins[join] = {"wrong_cells": sum(leak.cells for leak in leaks.values()), "features": told}
    return {"format": 1, "rows": rows, "cells": rows * len(names), "joins": joins}


def _describe_leak(leak: Leak) -> Dict[str, object]:
    examples = [leak.first] if leak.first == leak.last else [leak.first, leak.last]
    return {"wrong_cells": leak.cells, "examples": [_describe_cell(cell) for cell in examples]}


def _describe_cell(cell: Cell) -> Mapping[str, object]:
    return {**asdict(cell), "value": _finite(cell.value), "naive": _finite(cell.naive)}


def _finite(value: Optional[float]) -> Optional[float]:
    """Return the value, or None for what JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None
