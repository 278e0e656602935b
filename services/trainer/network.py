"""Fits the model and turns it into an ONNX network that answers the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier

from presage.errors import CorruptArtifactError, InvalidInputError
from services.trainer.training_data import Rows

MOST_ROWS = 150_000
"""More training rows are thinned to so many, at random but always the same ones."""

TOLERANCE = 1e-5
OUTPUT = "probabilities"
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """A classifier, and what stands in for nulls: a number below all that were seen, which trees can tell apart."""

    classifier: GradientBoostingClassifier
    fill_values: tuple[float, ...]
    rows: int

    def fill(self, features: npt.NDArray[np.float64]) -> Matrix:
        """Return the features as the network takes them."""
        filled = np.where(np.isnan(features), np.array(self.fill_values), features)
        return filled.astype(np.float32)

    def score(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the probability of label 1. Shape: (rows,)."""
        scores: npt.NDArray[np.float64] = self.classifier.predict_proba(self.fill(features))[:, 1]
        return scores


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


def convert_to_onnx(fitted: Fitted) -> bytes:
    """Return the network: float32 (n, columns) named `features` to `label` and `probabilities` (n, 2)."""
    network = convert_sklearn(
        fitted.classifier,
        name="presage",
        initial_types=[("features", FloatTensorType([None, len(fitted.fill_values)]))],
        options={id(fitted.classifier): {"zipmap": False}},
        target_opset={"": 17, "ai.onnx.ml": 3},
    )
    body: bytes = network.SerializeToString()
    return body


def check_parity(network: bytes, fitted: Fitted, features: npt.NDArray[np.float64]) -> float:
    """Return the largest difference in probability between network and classifier on these rows.

    Raises:
        CorruptArtifactError: It is over `TOLERANCE`: the network would answer something else than what was measured.
    """
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    filled = fitted.fill(features)
    (answered,) = session.run([OUTPUT], {"features": filled})
    difference = float(np.abs(answered - fitted.classifier.predict_proba(filled)).max())
    if not difference <= TOLERANCE:
        raise CorruptArtifactError(f"the network differs from the classifier by {difference:.2g} in probability, over {TOLERANCE}")
    return difference
