"""Certifies the sequential sample-ratio test: a clean split is hardly ever paused, a mismatch of one percent is found."""

from __future__ import annotations

import numpy as np

from presage.experiments.certification.drawing import DAYS, LOOKS
from presage.experiments.certification.verdict import Finding, Share
from presage.experiments.model import Gates
from presage.stats.sample_ratio import compute_log_bayes_factor

UNITS = 500_000
MISMATCHED_SHARE = 0.505
"""Treatment's share where half is planned: 1 % more units than planned, and 1 % fewer in control."""
SHARES = (0.5, 0.5)
MOST_PAUSED = 0.005
LEAST_FOUND = 0.99
BATCH = 500


def certify_sample_ratio(*, runs: int, generator: np.random.Generator) -> Finding:
    """Return how many of so many hourly-looked-at runs of each kind were paused, and after how many days the mismatched ones."""
    paused = 0
    found: list[int] = []
    for start in range(0, runs, BATCH):
        size = min(BATCH, runs - start)
        paused += int((_find_pauses(0.5, runs=size, generator=generator) < LOOKS).sum())
        looks = _find_pauses(MISMATCHED_SHARE, runs=size, generator=generator)
        found += looks[looks < LOOKS].tolist()
    days = DAYS * (np.mean(found) + 1) / LOOKS if found else None
    return Finding(
        "sample ratio",
        (
            Share("clean split paused", paused, runs, MOST_PAUSED, "at most"),
            Share("1 % mismatch found", len(found), runs, LEAST_FOUND, "at least"),
        ),
        None if days is None else float(days),
        None,
    )


def _find_pauses(share: float, *, runs: int, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the look at which each run was paused, `LOOKS` where it never was."""
    arriving = np.full((runs, LOOKS), UNITS // LOOKS)
    treated = generator.binomial(arriving, share)
    counts = [units.cumsum(axis=1).astype(np.float64) for units in (arriving - treated, treated)]
    below = np.exp(-np.maximum(0.0, compute_log_bayes_factor(counts, SHARES))) < Gates().srm_threshold
    return np.where(below.any(axis=1), below.argmax(axis=1), LOOKS)
