"""Metrics of regressions, in the units of the label."""

from __future__ import annotations

import numpy as np

from presage.training.evaluation import Floats, Metric, Metrics, build_mean


def build_regression_metrics(labels: Floats, values: Floats) -> Metrics:
    """Return the metrics of predicted values; the root of the mean squared error decides. Shape: (rows,), (rows,)."""
    errors = values - labels
    mean_square = build_mean(errors**2)
    return {
        "rmse": Metric(lambda resamples: np.sqrt(mean_square(resamples)), higher_is_better=False),
        "mae": Metric(build_mean(np.abs(errors)), higher_is_better=False),
    }
