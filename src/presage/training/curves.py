"""What a report draws: curves of at most `MOST_POINTS` points, so that they stay small however many rows are behind them."""

from __future__ import annotations

from typing import Dict, List

import numpy as np

from presage.training.evaluation import Floats, Integers
from presage.training.ranking_metrics import RankedLists

MOST_POINTS = 101
BINS = 10
Curve = Dict[str, List[float]]
"""Columns of equal length, by name."""


def trace_reliability(labels: Integers, probabilities: Floats) -> Curve:
    """Return, by tenths of what was said, what was said on average, how often it happened, and of how many rows."""
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(bins, minlength=BINS)
    said, happened = (np.bincount(bins, weights=values, minlength=BINS)[rows > 0] / rows[rows > 0] for values in (probabilities, labels))
    return {"said": said.tolist(), "happened": happened.tolist(), "rows": rows[rows > 0].tolist()}


def trace_thresholds(labels: Integers, scores: Floats) -> dict[str, Curve]:
    """Return the curves of what a threshold from high to low lets through: ROC, precision over recall, and gain (share of positives)."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # ties pass together
    shown, hits = last + 1.0, np.cumsum(labels[order])[last].astype(np.float64)
    positives, negatives = max(hits[-1], 1.0), max(len(labels) - hits[-1], 1.0)
    recall, passed = hits / positives, (shown - hits) / negatives
    return {
        "roc": _thin({"false_positive_rate": [0.0, *passed], "true_positive_rate": [0.0, *recall]}, along="false_positive_rate"),
        "precision_recall": _thin({"recall": recall.tolist(), "precision": (hits / shown).tolist()}, along="recall"),
        "gain": _thin({"share_of_rows": [0.0, *(shown / len(labels))], "share_of_positives": [0.0, *recall]}, along="share_of_rows"),
    }


def trace_residuals(labels: Floats, values: Floats) -> Curve:
    """Return, by tenths of the rows in the order of the predicted value: its mean, the mean label, and quantiles of label - value."""
    parts = [part for part in np.array_split(np.argsort(values, kind="stable"), BINS) if len(part)]
    low, middle, high = np.transpose([np.quantile(labels[part] - values[part], [0.1, 0.5, 0.9]) for part in parts])
    return {
        "predicted": [float(values[part].mean()) for part in parts],
        "actual": [float(labels[part].mean()) for part in parts],
        "residual_p10": low.tolist(),
        "residual_p50": middle.tolist(),
        "residual_p90": high.tolist(),
    }


def trace_lists(lists: RankedLists, scores: Floats, baseline: Floats, *, cutoff: int) -> Curve:
    """Return recall and NDCG of the first 1, 2, … `cutoff` items, of the model and of its baseline."""
    found: Curve = {"shown": [float(length) for length in range(1, cutoff + 1)]}
    for side, given in (("model", scores), ("baseline", baseline)):
        measured = [lists.measure(given, cutoff=length) for length in range(1, cutoff + 1)]
        for name in ("recall", "ndcg"):
            found[f"{side}_{name}"] = [float(values[name].mean()) for values in measured]
    return found


def count_confusion(labels: Integers, chosen: Integers, *, classes: int) -> List[List[int]]:
    """Return how many rows of each class (a line) were taken for each class (a column)."""
    counts: List[List[int]] = np.bincount(labels * classes + chosen, minlength=classes * classes).reshape(classes, classes).tolist()
    return counts


def _thin(curve: Curve, *, along: str) -> Curve:
    """Return the curve with points about evenly along one of its columns, its first and last among them."""
    places = np.array(curve[along])
    wanted = np.linspace(places[0], places[-1], MOST_POINTS)
    kept = np.unique(np.append(np.clip(np.searchsorted(places, wanted), 0, len(places) - 1), [0, len(places) - 1]))[:MOST_POINTS]
    kept[-1] = len(places) - 1
    return {name: [float(values[place]) for place in kept] for name, values in curve.items()}
