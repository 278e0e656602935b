"""Metrics of classifications: of two classes by the probability of the second, of more by the probability of each.

References: Mann & Whitney (1947) for the AUC as the chance that a positive scores above a negative; Davis & Goadrich (2006) for
the area under precision and recall as a sum of steps; Brier (1950); Naeini, Cooper, Hauskrecht (2015) for the calibration error
over bins of equal width; Hand & Till (2001) for averaging AUCs over classes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from presage.training.evaluation import Floats, Integers, Metric, Metrics, Resamples, Statistic, build_mean

SMALLEST_PROBABILITY = 1e-6
CALIBRATION_BINS = 10
_HALF = 0.5


def build_binary_metrics(labels: Integers, probabilities: Floats) -> Metrics:
    """Return the metrics of the probability of label 1; log loss decides. Shape: (rows,), (rows,)."""
    right = (probabilities > _HALF) == (labels == 1)
    return {
        "log_loss": Metric(build_mean(compute_log_losses(labels, probabilities)), higher_is_better=False),
        "auc": Metric(build_auc(labels, probabilities), higher_is_better=True),
        "average_precision": Metric(build_average_precision(labels, probabilities), higher_is_better=True),
        "brier_score": Metric(build_mean((probabilities - labels) ** 2), higher_is_better=False),
        "calibration_error": Metric(build_calibration_error(labels, probabilities), higher_is_better=False),
        "accuracy": Metric(build_mean(right.astype(np.float64)), higher_is_better=True),
    }


def build_multiclass_metrics(labels: Integers, probabilities: Floats) -> Metrics:
    """Return the metrics of the probabilities of all classes; log loss decides. Shape: (rows,), (rows, classes)."""
    given = probabilities[np.arange(len(labels)), labels]
    losses = -np.log(np.clip(given, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
    chosen = probabilities.argmax(axis=1)
    truth = np.eye(probabilities.shape[1])[labels]
    top_right = (chosen == labels).astype(np.int64)
    return {
        "log_loss": Metric(build_mean(losses), higher_is_better=False),
        "macro_auc": Metric(build_macro_auc(labels, probabilities), higher_is_better=True),
        "brier_score": Metric(build_mean(((probabilities - truth) ** 2).sum(axis=1)), higher_is_better=False),
        "calibration_error": Metric(build_calibration_error(top_right, probabilities.max(axis=1)), higher_is_better=False),
        "accuracy": Metric(build_mean(top_right.astype(np.float64)), higher_is_better=True),
    }


def compute_log_losses(labels: Integers, probabilities: Floats) -> Floats:
    """Return each row's log loss in nats; probabilities are kept `SMALLEST_PROBABILITY` away from 0 and 1. Shape: (rows,)."""
    kept = np.clip(probabilities, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    losses: Floats = -np.where(labels == 1, np.log(kept), np.log1p(-kept))
    return losses


def build_auc(labels: Integers, scores: Floats) -> Statistic:
    """Return the area under the ROC curve as a statistic: ties count half, nan without both classes."""

    def compute(resamples: Resamples) -> Floats:
        found = []
        for positive, negative in _count_by_score(resamples, labels, scores):
            up_to = np.cumsum(negative, axis=0)
            pairs = positive.sum(axis=0) * up_to[-1]
            found.append(_divide(np.einsum("sr,sr->r", positive, up_to - negative / 2), pairs))
        return np.concatenate(found)

    return compute


def build_average_precision(labels: Integers, scores: Floats) -> Statistic:
    """Return the area under precision over recall, as a sum of steps at each distinct score; nan without a positive."""

    def compute(resamples: Resamples) -> Floats:
        found = []
        for positive, negative in _count_by_score(resamples, labels, -scores):
            hits, shown = np.cumsum(positive, axis=0), np.cumsum(positive + negative, axis=0)
            precision = np.divide(hits, shown, out=np.zeros_like(hits), where=shown > 0)
            found.append(_divide(np.einsum("sr,sr->r", positive, precision), hits[-1]))
        return np.concatenate(found)

    return compute


def build_macro_auc(labels: Integers, probabilities: Floats) -> Statistic:
    """Return the mean over classes of the AUC of each against the rest; nan where a resample lacks a class that the rows have."""
    statistics = [
        build_auc((labels == place).astype(np.int64), probabilities[:, place]) for place in np.unique(labels) if (labels != place).any()
    ]

    def compute(resamples: Resamples) -> Floats:
        if not statistics:
            return np.full(len(resamples.count()), np.nan)
        means: Floats = np.mean([statistic(resamples) for statistic in statistics], axis=0)
        return means

    return compute


def build_calibration_error(labels: Integers, probabilities: Floats) -> Statistic:
    """Return the expected calibration error: over `CALIBRATION_BINS` bins, how far what was said is from what happened, by weight."""
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    excess = probabilities - labels

    def compute(resamples: Resamples) -> Floats:
        apart = [np.abs(resamples.sum(np.where(bins == place, excess, 0.0))) for place in np.unique(bins)]
        errors: Floats = np.sum(apart, axis=0) / resamples.count()
        return errors

    return compute


def _count_by_score(resamples: Resamples, labels: Integers, scores: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield the weights of positives and of negatives by distinct score, ascending. Shape: (scores, some resamples)."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    positive = (labels[order] == 1).astype(np.float64)[:, np.newaxis]
    for weights in resamples.iterate(order):
        both, of_positives = weights, weights * positive
        if len(starts) < len(order):
            both, of_positives = (np.add.reduceat(part, starts, axis=0) for part in (both, of_positives))
        yield of_positives, both - of_positives


def _divide(numerators: Floats, denominators: Floats) -> Floats:
    return np.divide(numerators, denominators, out=np.full_like(numerators, np.nan), where=denominators > 0)
