"""The model that every server answers from, and the rows that it is asked about: made from seeds, the same in every environment.

Nothing is handed over in a file: a peer that fits it anew has the same trees, and the first check of its answers proves it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier

COLUMNS = 30
TREES = 100
FITTED_ROWS = 4_000
SEED = 20_240_229

Rows = npt.NDArray[np.float32]


def build_rows(count: int, *, seed: int) -> Rows:
    """Return rows of features. Shape: (count, COLUMNS); 32-bit, as the network takes them, so that no rounding moves an answer."""
    return np.random.default_rng(seed).normal(size=(count, COLUMNS)).astype(np.float32)


def fit_classifier() -> Any:  # noqa: ANN401 - scikit-learn has no types
    """Return the gradient-boosted trees."""
    rows = build_rows(FITTED_ROWS, seed=SEED)
    weights = np.random.default_rng(SEED + 1).normal(size=COLUMNS)
    noise = np.random.default_rng(SEED + 2).normal(size=FITTED_ROWS)
    labels = (rows @ weights + rows[:, 0] * rows[:, 1] + noise > 0).astype(np.int64)
    return GradientBoostingClassifier(n_estimators=TREES, max_depth=3, random_state=SEED).fit(rows, labels)
