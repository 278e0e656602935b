"""Compiles fitted pipelines: what serving runs instead of scikit-learn (docs/adr/0016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from presage.errors import InvalidInputError
from presage.predictions.explanation import compute_terms
from presage.training.compiled import FORMAT, Additive, CompiledModel, Encoding, FloatArray, Link, check_compiled
from services.trainer.compiling_lightgbm import list_lightgbm_trees
from services.trainer.compiling_trees import ForestBuilder, list_boosted_trees, list_histogram_trees, round_to_float32
from services.trainer.folding import NULL, Column, Divided, Multiplied, Number, Table, fold
from services.trainer.ranker import LambdaMart

Boosted = (GradientBoostingClassifier, GradientBoostingRegressor)
Histogram = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
Linear = (LinearRegression, LogisticRegression, Ridge)


def compile_pipeline(estimator: Any, rows: FloatArray, *, fill_values: Sequence[float] | None = None) -> CompiledModel:  # noqa: ANN401 - scikit-learn has no types
    """Return the compiled form of a fitted estimator, or of a pipeline of transformers that ends in one.

    `rows` are what it was fitted on, with NaN for null; explanations of linear models count from their means. `fill_values`, one a
    column, replace null in front of the pipeline.

    Raises:
        InvalidInputError: A part of it has no compiled form, or cannot answer null or unknown categories, which serving meets.
    """
    steps, final = (estimator.steps[:-1], estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else ([], estimator)
    fills = [NULL] * rows.shape[1] if fill_values is None else fill_values
    columns: list[Column] = [Number(place, float(fill)) for place, fill in enumerate(fills)]
    for _, step in steps:
        columns = fold("passthrough" if step is None else step, columns)
    if isinstance(final, Histogram):
        compiled = _compile_histogram(final, columns, rows.shape[1])
    elif isinstance(final, Boosted):
        compiled = _compile_boosted(final, columns, rows.shape[1])
    elif isinstance(final, LambdaMart):
        compiled = _compile_ranker(final, columns, rows.shape[1])
    elif isinstance(final, Linear):
        compiled = _compile_linear(final, columns, rows)
    else:
        raise InvalidInputError(f"{type(final).__name__} has no form that can be served")
    check_compiled(compiled)
    return compiled


def _compile_histogram(estimator: Any, columns: list[Column], width: int) -> CompiledModel:  # noqa: ANN401
    preparation = estimator._preprocessor  # noqa: SLF001 - it orders and encodes categories, and nothing else
    if preparation is not None:
        encoded, plain = (
            [columns[place] for place in preparation._transformer_to_input_indices[name]]  # noqa: SLF001
            for name in ("encoder", "numerical")
        )
        columns = [*fold(preparation.named_transformers_["encoder"], encoded), *plain]
    builder = ForestBuilder(columns, width=width)
    base = tuple(estimator._baseline_prediction.ravel().tolist())  # noqa: SLF001
    link = _name_link(len(base), classifies=isinstance(estimator, HistGradientBoostingClassifier))
    if estimator.loss in {"poisson", "gamma"}:
        link = "exp"
    body = builder.build(list_histogram_trees(estimator))
    return CompiledModel(FORMAT, width, link, base, builder.encodings, body)


def _compile_boosted(estimator: Any, columns: list[Column], width: int) -> CompiledModel:  # noqa: ANN401
    _require_no_nulls(columns, estimator)
    if not (estimator.init_ == "zero" or isinstance(estimator.init_, DummyClassifier | DummyRegressor)):
        raise InvalidInputError(f"A first guess by {type(estimator.init_).__name__} has no form that can be served")
    classifies = isinstance(estimator, GradientBoostingClassifier)
    builder = ForestBuilder([column.then(round_to_float32) for column in columns], width=width)
    forest = builder.build(list_boosted_trees(estimator))
    origin = np.zeros((1, len(columns)))
    margins = np.ravel((estimator.decision_function if classifies else estimator.predict)(origin))
    rounds = [[tree.predict(origin)[0] for tree in one_round] for one_round in estimator.estimators_]
    base = margins - estimator.learning_rate * np.sum(rounds, axis=0)
    if classifies and estimator.loss == "exponential":  # whose margin is half of the log-odds
        base, forest = 2 * base, replace(forest, values=2 * forest.values)
    return CompiledModel(FORMAT, width, _name_link(len(base), classifies=classifies), tuple(base.tolist()), builder.encodings, forest)


def _compile_ranker(ranker: LambdaMart, columns: list[Column], width: int) -> CompiledModel:
    """Return a model whose answers order a list as the ranker does, on the scale of a probability: what calibration makes true of it."""
    builder = ForestBuilder(columns, width=width)
    return CompiledModel(FORMAT, width, "sigmoid", (0.0,), builder.encodings, builder.build(list_lightgbm_trees(ranker.booster)))


def _compile_linear(estimator: Any, columns: list[Column], rows: FloatArray) -> CompiledModel:  # noqa: ANN401
    _require_no_nulls(columns, estimator)
    coefficients = np.atleast_2d(estimator.coef_)
    intercepts = np.broadcast_to(np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)), (len(coefficients),))
    classifies = isinstance(estimator, LogisticRegression)
    if not classifies and len(coefficients) > 1:
        raise InvalidInputError("A model of several targets has no form that can be served")
    known = np.where(np.isnan(rows), 0.0, rows).sum(axis=0) / np.maximum((~np.isnan(rows)).sum(axis=0), 1)
    shape = (len(coefficients), rows.shape[1])
    slopes, at_null, base = np.zeros(shape), np.zeros(shape), intercepts.astype(np.float64).copy()
    tables: dict[tuple[int, tuple[float, ...]], FloatArray] = {}
    for column, weights in zip(columns, coefficients.T, strict=True):
        if isinstance(column, Table):
            key = (column.column, column.categories)
            tables[key] = tables.get(key, 0.0) + np.outer(weights, column.values)
            continue
        at_center = column.apply(known[column.column : column.column + 1])[0]
        slopes[:, column.column] += weights * _compute_slope(column)
        at_null[:, column.column] += weights * (column.at_null - at_center)
        base += weights * at_center
    encodings = tuple(Encoding(column, np.array(categories, dtype=np.float64)) for column, categories in tables)
    body = Additive(slopes, known, at_null, tuple(tables.values()), np.zeros(shape))
    link = _name_link(len(base), classifies=classifies)
    compiled = CompiledModel(FORMAT, rows.shape[1], link, tuple(base.tolist()), encodings, body)
    means = compute_terms(compiled, body, rows).mean(axis=0)
    return replace(compiled, body=replace(body, means=means))


def _compute_slope(column: Number) -> float:
    slope = 1.0
    for step in column.steps:
        if not isinstance(step, Divided | Multiplied):
            raise InvalidInputError("A linear model behind a step that clips has no form that can be served")
        slope *= step.slope
    return slope


def _name_link(outputs: int, *, classifies: bool) -> Link:
    if not classifies:
        return "identity"
    return "sigmoid" if outputs == 1 else "softmax"


def _require_no_nulls(columns: Sequence[Column], estimator: Any) -> None:  # noqa: ANN401
    for column in columns:
        if np.isnan(column.at_null if isinstance(column, Number) else column.values).any():
            raise InvalidInputError(f"{type(estimator).__name__} cannot answer null in column {column.column}: put an imputer before it")
