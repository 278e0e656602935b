"""Fits a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from presage.errors import InvalidInputError
from presage.training.compiled import CompiledModel, FloatArray
from presage.training.spec import ModelSpec
from services.trainer.algorithms import Trial, build_estimator
from services.trainer.calibrating import Calibration, calibrate
from services.trainer.compiling import compile_pipeline
from services.trainer.ranker import LambdaMart
from services.trainer.training_data import Rows

MOST_ROWS = 150_000
"""More training rows are thinned to so many, at random but always the same ones."""

FOLDS = 3
"""Calibration looks at margins of rows that were left out, a third at a time."""

MANY = 3
NEEDS_VALUES = (GradientBoostingClassifier, GradientBoostingRegressor)
IDENTITY = Calibration()


@dataclass(frozen=True)
class Plan:
    """How to fit: what for, with which algorithm, from which seed."""

    spec: ModelSpec
    trial: Trial
    columns: tuple[str, ...]
    classes: int
    seed: int


@dataclass(frozen=True)
class Fitted:
    """An estimator, and what stands in for nulls if it takes none: a number below all that were seen, which trees can tell apart.

    `known` are the places of the classes that it was fitted on, of `classes` in all; both are empty for a regression.
    """

    estimator: Any
    fill_values: tuple[float, ...]
    rows: int
    known: tuple[int, ...]
    classes: int
    calibration: Calibration = IDENTITY

    def score(self, features: FloatArray) -> FloatArray:
        """Return what serving calls the score: the probability of the second of two classes, of the predicted one of more; or values.

        Shape: (rows,).
        """
        answers = self.predict(features)
        return answers[:, -1] if answers.shape[1] < MANY else answers.max(axis=1)

    def predict(self, features: FloatArray) -> FloatArray:
        """Return the probabilities of all classes, 0 for those it does not know; or values. Shape: (rows, classes) or (rows, 1)."""
        if not self.classes:
            values: FloatArray = np.asarray(self.estimator.predict(self._fill(features)), dtype=np.float64)[:, np.newaxis]
            return values
        probabilities = np.zeros((len(features), self.classes))
        probabilities[:, list(self.known)] = self.predict_known(features)
        return probabilities

    def predict_known(self, features: FloatArray) -> FloatArray:
        """Return what the compiled form answers: the probabilities of the classes that it knows, or values."""
        if not self.classes:
            return self.predict(features)
        filled = self._fill(features)
        if self.calibration is IDENTITY:
            found: FloatArray = self.estimator.predict_proba(filled)
            return found
        margins = self.calibration.apply(self.estimator.decision_function(filled))
        if margins.ndim > 1:
            answers: FloatArray = softmax(margins, axis=1)
            return answers
        return np.stack([expit(-margins), expit(margins)], axis=1)

    def compile(self, features: FloatArray) -> CompiledModel:
        """Return what serving runs. `features` are what it was fitted on, with NaN for null."""
        return self.calibration.fold(compile_pipeline(self.estimator, features, fill_values=self.fill_values))

    def compute_margins(self, features: FloatArray) -> FloatArray:
        """Return what probabilities are made of, not calibrated. Shape: (rows,), or (rows, classes) of more than two."""
        margins: FloatArray = self.estimator.decision_function(self._fill(features))
        return margins

    def _fill(self, features: FloatArray) -> FloatArray:
        return np.where(np.isnan(features), np.array(self.fill_values), features)


def fit(rows: Rows, plan: Plan) -> Fitted:
    """Return the plan's algorithm fitted on the rows and, where that is asked for or needed, calibrated.

    A ranker is always calibrated: its own scores say nothing but an order. Classes are weighted alike if the specification says so,
    which moves all probabilities until they are calibrated.

    Raises:
        InvalidInputError: A feature's values do not fit into 32-bit floats.
    """
    chosen = _thin(rows, plan.seed)
    _check_values(rows.features[chosen], plan.columns)
    fitted = _fit(rows, chosen, plan)
    options = plan.spec.training
    asked = options is not None and (options.calibrate or options.balance)
    if not plan.classes or not (asked or isinstance(fitted.estimator, LambdaMart)):
        return fitted
    return Fitted(fitted.estimator, fitted.fill_values, fitted.rows, fitted.known, fitted.classes, _calibrate(rows, chosen, plan, fitted))


def _calibrate(rows: Rows, chosen: npt.NDArray[np.intp], plan: Plan, fitted: Fitted) -> Calibration:
    """Return the calibration by margins of rows that were left out, whole entities at a time."""
    entities = rows.entities[chosen]
    folds = np.random.default_rng(plan.seed).integers(FOLDS, size=int(entities.max()) + 1)[entities]
    margins, labels = [], []
    for fold in range(FOLDS):
        inside, outside = chosen[folds != fold], chosen[folds == fold]
        if not len(outside) or tuple(np.unique(rows.labels[inside]).tolist()) != fitted.known:
            continue  # the fold's model would not know the classes
        margins.append(_fit(rows, inside, plan).compute_margins(rows.features[outside]))
        labels.append(rows.labels[outside])
    if not margins:
        raise InvalidInputError("too few entities with each class to calibrate by: bring a longer history, or do not ask for calibration")
    known = np.searchsorted(np.array(fitted.known), np.concatenate(labels))
    return calibrate(np.concatenate(margins), known.astype(np.int64))


def _fit(rows: Rows, chosen: npt.NDArray[np.intp], plan: Plan) -> Fitted:
    features, labels = rows.features[chosen], rows.labels[chosen]
    estimator = build_estimator(plan.trial, plan.spec.kind, seed=plan.seed)
    final = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    fills = _choose_fills(features, all_nulls=isinstance(final, NEEDS_VALUES))
    known = tuple(int(place) for place in np.unique(labels)) if plan.classes else ()
    fitted = Fitted(estimator, fills, len(chosen), known, plan.classes)
    filled = fitted._fill(features)  # noqa: SLF001 - its own maker
    if isinstance(estimator, LambdaMart):
        estimator.fit(filled, labels.astype(np.int64), lists=rows.observations[chosen])
    elif plan.spec.training is not None and plan.spec.training.balance and plan.classes:
        weighted = f"{estimator.steps[-1][0]}__sample_weight" if isinstance(estimator, Pipeline) else "sample_weight"
        estimator.fit(filled, labels, **{weighted: compute_sample_weight("balanced", labels)})
    else:
        estimator.fit(filled, labels)
    return fitted


def _thin(rows: Rows, seed: int) -> npt.NDArray[np.intp]:
    chosen = np.arange(len(rows.labels))
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, MOST_ROWS, replace=False))
    return chosen


def _choose_fills(features: FloatArray, *, all_nulls: bool) -> tuple[float, ...]:
    """Return what stands in for null by column: 0 where all is null, of which nothing can be learnt, else a number or null itself."""
    empty = np.isnan(features).all(axis=0)
    lowest = np.nanmin(np.where(empty, 0.0, features), axis=0)
    fills = np.where(empty, 0.0, np.floor(lowest) - 1 if all_nulls else np.nan)
    return tuple(float(value) for value in fills)


def _check_values(features: FloatArray, columns: Sequence[str]) -> None:
    with np.errstate(over="ignore"):
        unfit = np.isinf(features.astype(np.float32)).any(axis=0)
    if unfit.any():
        raise InvalidInputError(f"values of the feature {columns[int(np.argmax(unfit))]!r} are too large for 32-bit floats")
