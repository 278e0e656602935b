"""Metrics of ranked lists, one observation a list. Relevance is 0 or 1; ties go by item id, as serving shows them.

References: Järvelin & Kekäläinen (2002), Cumulated gain-based evaluation (NDCG); Manning, Raghavan, Schütze (2008), Introduction to
Information Retrieval, ch. 8 (average precision).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from presage.training.evaluation import Floats, Integers, Metric, Metrics, build_mean


class RankedLists:
    """Lists to be ranked. Rows of an observation stand together. Shape: all are (rows,)."""

    def __init__(self, labels: Integers, observations: Integers, items: Sequence[str]) -> None:
        """Take the rows.

        Raises:
            ValueError: An observation has no relevant item, so nothing can be gained in it.
        """
        self._labels = labels.astype(np.float64)
        self._lists = np.cumsum(np.diff(observations, prepend=observations[:1]) != 0)
        self._items = np.unique(np.array(items), return_inverse=True)[1]
        self.starts = np.flatnonzero(np.diff(self._lists, prepend=-1))
        self._relevant = np.bincount(self._lists, weights=self._labels)
        if not self._relevant.all():
            raise ValueError("an observation without a relevant item has no NDCG")

    def build_metrics(self, scores: Floats, *, cutoff: int) -> Metrics:
        """Return the metrics of the first `cutoff` items of each list by score; NDCG decides. Their rows are the lists."""
        means = self.measure(scores, cutoff=cutoff)
        return {f"{name}_at_{cutoff}": Metric(build_mean(values), higher_is_better=True) for name, values in means.items()}

    def measure(self, scores: Floats, *, cutoff: int) -> dict[str, Floats]:
        """Return each list's values by metric. Shape: (lists,)."""
        order = np.lexsort((self._items, -scores, self._lists))
        places = np.arange(len(order)) - self.starts[self._lists[order]]
        shown = order[places < cutoff]
        places, lists, hits = places[places < cutoff], self._lists[shown], self._labels[shown]
        found = np.cumsum(hits)
        before = np.concatenate([[0.0], found])[np.flatnonzero(places == 0)]
        precision = (found - before[lists]) / (places + 1)
        ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, cutoff + 2)))])
        possible = np.minimum(self._relevant, cutoff)
        taken = self._add(lists, hits)
        return {
            "ndcg": self._add(lists, hits / np.log2(places + 2)) / ideal[possible.astype(np.int64)],
            "map": self._add(lists, hits * precision) / possible,
            "recall": taken / self._relevant,
            "hit": (taken > 0).astype(np.float64),
        }

    def _add(self, lists: Integers, values: Floats) -> Floats:
        sums: Floats = np.bincount(lists, weights=values, minlength=len(self.starts)).astype(np.float64)
        return sums
