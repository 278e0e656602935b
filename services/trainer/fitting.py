"""Fits the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier

from presage.errors import InvalidInputError
from services.trainer.training_data import Rows

MOST_ROWS = 150_000
"""More training rows are thinned to so many, at random but always the same ones."""

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """A classifier, and what stands in for nulls: a number below all that were seen, which trees can tell apart."""

    classifier: GradientBoostingClassifier
    fill_values: tuple[float, ...]
    rows: int

    def fill(self, features: npt.NDArray[np.float64]) -> Matrix:
        """Return the features as the classifier takes them."""
        filled = np.where(np.isnan(features), np.array(self.fill_values), features)
        return filled.astype(np.float32)

    def score(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the probability of label 1. Shape: (rows,)."""
        return self.predict(features)[:, 1]

    def predict(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the probabilities of both labels. Shape: (rows, 2)."""
        probabilities: npt.NDArray[np.float64] = self.classifier.predict_proba(self.fill(features))
        return probabilities


def fit_classifier(rows: Rows, columns: tuple[str, ...], *, seed: int) -> Fitted:
    """Return gradient-boosted trees fitted on the rows.

    Raises:
        InvalidInputError: A feature's values do not fit into 32-bit floats.
    """
    chosen = np.arange(len(rows.labels))
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, MOST_ROWS, replace=False))
    features = rows.features[chosen]
    empty = np.isnan(features).all(axis=0)
    lowest = np.nanmin(np.where(empty, 0.0, features), axis=0)
    fitted_values = tuple(float(value) for value in np.where(empty, 0.0, np.floor(lowest) - 1))
    classifier = GradientBoostingClassifier(n_estimators=100, max_depth=3, subsample=0.8, random_state=seed)
    fitted = Fitted(classifier, fitted_values, len(chosen))
    filled = fitted.fill(features)
    unfit = [column for index, column in enumerate(columns) if not np.isfinite(filled[:, index]).all()]
    if unfit:
        raise InvalidInputError(f"values of the feature {unfit[0]!r} are too large for 32-bit floats")
    classifier.fit(filled, rows.labels[chosen])
    return fitted
