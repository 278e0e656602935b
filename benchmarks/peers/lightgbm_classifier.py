"""LightGBM as it comes: `python -m benchmarks.peers.lightgbm_classifier rows.npz scores.npz`, run in an environment of its own.

`rows.npz` holds `train_features`, `train_labels` and `test_features`; what comes back is the probability of label 1 by model.
"""

from __future__ import annotations

import sys

import lightgbm
import numpy as np

SETTINGS = {"objective": "binary", "seed": 20_240_229, "deterministic": True, "num_threads": 1, "verbosity": -1}

if __name__ == "__main__":
    given = np.load(sys.argv[1])
    booster = lightgbm.train(SETTINGS, lightgbm.Dataset(given["train_features"], label=given["train_labels"]))
    np.savez(sys.argv[2], lightgbm=booster.predict(given["test_features"]))
