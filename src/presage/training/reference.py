"""The distributions that a version was trained on, in bins, for later ones to be held against.

Bins are the deciles of a column's values, or each value of a column that has few, and one bin for nulls. One row an entity is
counted, so that the counts are of independent draws; which one, its writer says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FORMAT = 1
MOST_BINS = 10
"""Of values; nulls have one more."""
PREDICTION = "prediction"
"""The column of the scores: the probability of the second of two classes, of the chosen one of more, or the value itself."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """Counts of a column in bins: below the first edge, from each edge to below the next one, and at last the nulls.

    Shape: `edges` ascend strictly; `counts` has two entries more than `edges`.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """`reference.json`, beside a version's artifact: its columns, and the scores under the name `PREDICTION` if it gives one each.

    Features are those of the latest labelled row of each entity. Scores are of the latest test row of each entity of the test split,
    by the model that was judged, which had not seen them.
    """

    format: int
    training_set_id: str
    columns: tuple[ColumnReference, ...]


def build_column_reference(name: str, values: Floats) -> ColumnReference:
    """Return the column's bins with their counts. Shape: `values` is (rows,), NaN for null."""
    edges = _choose_edges(values[~np.isnan(values)])
    return ColumnReference(name, edges, count_bins(edges, values))


def count_bins(edges: Sequence[float], values: Floats) -> tuple[int, ...]:
    """Return how many values are in each bin. Shape: `values` is (rows,), NaN for null; the result has two entries more than `edges`."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(np.asarray(edges), known, side="right"), minlength=len(edges) + 1)
    return (*counts.tolist(), len(values) - len(known))


def _choose_edges(values: Floats) -> tuple[float, ...]:
    distinct = np.unique(values)
    if len(distinct) <= MOST_BINS:
        return tuple(distinct[1:].tolist())
    quantiles = np.quantile(values, np.arange(1, MOST_BINS) / MOST_BINS, method="inverted_cdf")
    return tuple(np.unique(quantiles[quantiles > distinct[0]]).tolist())
