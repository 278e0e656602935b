"""Folds fitted transformers away: what each column of their output is, as a function of one column of their input.

A column that keeps its order (imputed, scaled) stays a number; one that was encoded, or asks whether a value is null, becomes
a table over categories. Nothing is approximated: functions do scikit-learn's arithmetic, tables are what its encoders answer.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

from presage.errors import InvalidInputError
from presage.training.compiled import FloatArray

NULL = float("nan")
Function = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Divided:
    """A step that gives (value - center) / scale."""

    center: float
    scale: float

    def __call__(self, values: FloatArray) -> FloatArray:
        """Do it."""
        return (values - self.center) / self.scale

    @property
    def slope(self) -> float:
        """Return by how much the result rises with the value."""
        return 1 / self.scale


@dataclass(frozen=True)
class Multiplied:
    """A step that gives value · scale + offset."""

    scale: float
    offset: float

    def __call__(self, values: FloatArray) -> FloatArray:
        """Do it."""
        return values * self.scale + self.offset

    @property
    def slope(self) -> float:
        """Return by how much the result rises with the value."""
        return self.scale


@dataclass(frozen=True)
class Number:
    """A column that never falls as its value rises: `steps` in order, or `at_null`, itself NaN if nothing replaced null."""

    column: int
    at_null: float = NULL
    steps: tuple[Function, ...] = ()

    def apply(self, values: FloatArray) -> FloatArray:
        """Return what becomes of values that are not null."""
        for step in self.steps:
            values = step(values)
        return values

    def then(self, step: Function) -> Number:
        """Return the column after one more step, which keeps null and order."""
        return replace(self, steps=(*self.steps, step), at_null=float(step(np.array([self.at_null]))[0]))

    def impute(self, value: float) -> Number:
        """Return the column with null replaced."""
        return replace(self, at_null=value) if np.isnan(self.at_null) else self

    def ask_null(self) -> Table:
        """Return the column that is 1 where this one is null, else 0."""
        return Table(self.column, (), np.array([0.0, float(np.isnan(self.at_null))]))


@dataclass(frozen=True)
class Table:
    """A column by category of the input's value: `values` has two more entries, for any other value and for null."""

    column: int
    categories: tuple[float, ...]
    values: FloatArray

    def then(self, step: Function) -> Table:
        """Return the column after one more step."""
        return replace(self, values=step(self.values))

    def impute(self, value: float) -> Table:
        """Return the column with null replaced."""
        return self.then(lambda values: np.where(np.isnan(values), value, values))

    def ask_null(self) -> Table:
        """Return the column that is 1 where this one is null, else 0."""
        return self.then(lambda values: np.isnan(values).astype(np.float64))


Column = Number | Table


def fold(transformer: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401 - scikit-learn has no types
    """Return the columns that a fitted transformer makes of these.

    Raises:
        InvalidInputError: It is of a kind, or was fitted in a way, that cannot be folded.
    """
    if isinstance(transformer, str) and transformer in {"passthrough", "drop"}:
        return list(columns) if transformer == "passthrough" else []
    for kind, fold_kind in _FOLDS.items():
        if isinstance(transformer, kind):
            return fold_kind(transformer, columns)
    raise InvalidInputError(f"{type(transformer).__name__} has no form that can be served")


def _fold_pipeline(pipeline: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    found = list(columns)
    for _, step in pipeline.steps:
        found = fold("passthrough" if step is None else step, found)
    return found


def _fold_side_by_side(transformer: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    found: list[Column] = []
    for name, part, _ in transformer.transformers_:
        chosen = transformer._transformer_to_input_indices[name]  # noqa: SLF001 - the columns by position, however they were named
        found += fold(part, [columns[index] for index in chosen]) if len(chosen) else []
    return found


def _fold_function(transformer: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    if transformer.func is not None:
        raise InvalidInputError("A FunctionTransformer is code, and cannot be served")
    return list(columns)


def _fold_imputer(imputer: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    if not (isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)):
        raise InvalidInputError(f"A SimpleImputer of {imputer.missing_values!r}: only null can be served as missing")
    statistics = [float(value) for value in imputer.statistics_]
    keeps = imputer.keep_empty_features or imputer.strategy == "constant"
    pairs = zip(columns, statistics, strict=True)
    found: list[Column] = [column.impute(value) for column, value in pairs if keeps or not np.isnan(value)]
    if imputer.add_indicator:
        found += [columns[index].ask_null() for index in imputer.indicator_.features_]
    return found


def _fold_standard_scaler(scaler: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    return _divide(columns, scaler.mean_ if scaler.with_mean else None, scaler.scale_)


def _fold_robust_scaler(scaler: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    return _divide(columns, scaler.center_ if scaler.with_centering else None, scaler.scale_)


def _divide(columns: Sequence[Column], centers: Any, scales: Any) -> list[Column]:  # noqa: ANN401
    centers = np.zeros(len(columns)) if centers is None else centers
    scales = np.ones(len(columns)) if scales is None else scales
    steps = [Divided(float(center), float(scale)) for center, scale in zip(centers, scales, strict=True)]
    return [column.then(step) for column, step in zip(columns, steps, strict=True)]


def _fold_range_scaler(scaler: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    steps = [Multiplied(float(scale), float(offset)) for scale, offset in zip(scaler.scale_, scaler.min_, strict=True)]
    found: list[Column] = [column.then(step) for column, step in zip(columns, steps, strict=True)]
    if not scaler.clip:
        return found
    low, high = scaler.feature_range
    return [column.then(lambda values: np.clip(values, low, high)) for column in found]


def _fold_encoder(encoder: Any, columns: Sequence[Column]) -> list[Column]:  # noqa: ANN401
    counts = encoder._n_features_outs if isinstance(encoder, OneHotEncoder) else [1] * len(columns)  # noqa: SLF001 - no public name
    ends = np.cumsum(counts)
    found: list[Column] = []
    for place, (column, end, count) in enumerate(zip(columns, ends, counts, strict=True)):
        categories, values = _list_values(column, encoder.categories_[place])
        answers = _ask_encoder(encoder, place, values)
        found += [Table(column.column, categories, answers[:, output]) for output in range(end - count, end)]
    return found


def _list_values(column: Column, fitted: Any) -> tuple[tuple[float, ...], FloatArray]:  # noqa: ANN401
    """Return the categories of the input's column, and the values by category, for another value and for null."""
    if not np.issubdtype(fitted.dtype, np.number):
        raise InvalidInputError("Categories that are no numbers cannot be served: features are numbers")
    if isinstance(column, Table):
        return column.categories, column.values
    if column.steps:
        raise InvalidInputError("An encoder behind a scaler cannot be served")
    known = np.sort(fitted[~np.isnan(fitted)].astype(np.float64))
    unknown = known.max() + 1 if len(known) else 0.0
    return tuple(known.tolist()), np.array([*known, unknown, column.at_null])


def _ask_encoder(encoder: Any, place: int, values: FloatArray) -> FloatArray:  # noqa: ANN401
    rows = np.tile(np.array([categories[0] for categories in encoder.categories_], dtype=np.float64), (len(values), 1))
    rows[:, place] = values
    try:
        with warnings.catch_warnings(action="ignore"):  # of unknown categories, which are asked for on purpose
            answers = encoder.transform(rows)
    except ValueError as error:
        message = f"An encoder that raises errors for categories it does not know, or for null, cannot be served: {error}"
        raise InvalidInputError(message) from error
    dense: FloatArray = np.asarray(answers.todense() if hasattr(answers, "todense") else answers, dtype=np.float64)
    return dense


_FOLDS: dict[type, Callable[[Any, Sequence[Column]], list[Column]]] = {
    Pipeline: _fold_pipeline,
    ColumnTransformer: _fold_side_by_side,
    FunctionTransformer: _fold_function,
    SimpleImputer: _fold_imputer,
    StandardScaler: _fold_standard_scaler,
    RobustScaler: _fold_robust_scaler,
    MinMaxScaler: _fold_range_scaler,
    OneHotEncoder: _fold_encoder,
    OrdinalEncoder: _fold_encoder,
}
