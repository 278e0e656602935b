"""Pairwise boosting of rankings: LambdaMART as LightGBM fits it.

References: Burges, From RankNet to LambdaRank to LambdaMART, 2010. Its trees are those of gradient boosting, and are compiled as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np

from presage.training.compiled import FloatArray
from presage.training.evaluation import Integers


class LambdaMart:
    """Scores items so that pairs within a list stand in the right order. A score has no scale but within its list."""

    def __init__(self, settings: Mapping[str, float], *, seed: int) -> None:
        """Take LightGBM's settings. One thread and fixed seeds: the same rows give the same trees."""
        self._settings: dict[str, Any] = {
            "objective": "lambdarank",
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
            **settings,
        }
        self.booster: lightgbm.Booster | None = None

    def fit(self, features: FloatArray, labels: Integers, *, lists: Integers) -> LambdaMart:
        """Fit on rows of which those of one list stand together, and return self. Shape: (rows, columns), (rows,), (rows,)."""
        sizes = np.diff(np.flatnonzero(np.diff(lists, prepend=-1, append=-1)))
        rows = lightgbm.Dataset(features, label=labels, group=sizes, free_raw_data=True)
        self.booster = lightgbm.train(self._settings, rows)
        return self

    def decision_function(self, features: FloatArray) -> FloatArray:
        """Return the scores. Shape: (rows,)."""
        if self.booster is None:
            raise ValueError("nothing was fitted")
        scores: FloatArray = np.asarray(self.booster.predict(features, raw_score=True, num_threads=1), dtype=np.float64)
        return scores
