"""A compiled model, loaded: it runs and explains rows. It is data; loading it executes no code of the model's."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

import numpy as np

from presage.errors import CorruptArtifactError
from presage.predictions.bushes import FEWEST_ROWS, BushRunner, is_bush
from presage.predictions.explanation import SCALES, Explanation, Scale, TreePaths, compute_terms, explain_additive
from presage.predictions.lightgbm import TreeRunner
from presage.training.compiled import Additive, CompiledModel, FloatArray, Forest, decode_compiled

RUNNER_BYTES_PER_NODE = 40
"""What LightGBM takes beside the arrays, as resident memory over many models (docs/adr/0016)."""


class _Sum:
    """Runs an additive body."""

    def __init__(self, model: CompiledModel, body: Additive) -> None:
        self._model, self._body = model, body
        self._encodings = tuple(zip(model.encodings, body.tables, strict=True))

    def run_row(self, rows: FloatArray) -> FloatArray:
        """Return what `run` does for one row, by the same additions in the same order. Shape: (1, columns) → (outputs,)."""
        body, row = self._body, rows[0]
        terms = body.slopes * (row - body.centers)
        if self._encodings:
            terms = np.where(np.isnan(row), body.at_null, terms)
            for encoding, table in self._encodings:
                terms[:, encoding.column] += table[:, encoding.encode_one(row.item(encoding.column))]
        sums: FloatArray = np.add.reduce(terms, axis=1)
        if not self._encodings and math.isnan(sums[0]):
            sums = np.add.reduce(np.where(np.isnan(row), body.at_null, terms), axis=1)
        return sums

    def run(self, rows: FloatArray) -> FloatArray:
        sums: FloatArray = np.add.reduce(compute_terms(self._model, self._body, rows), axis=2)
        return sums


class LoadedModel:
    """A model ready to answer, safe to use from many threads."""

    def __init__(self, compiled: CompiledModel) -> None:
        """Make a checked model ready."""
        self.compiled = compiled
        self._link = compiled.link
        self._base = np.array(compiled.base)
        self._only_base = compiled.base[0]
        self._encodings = tuple(enumerate(compiled.encodings, start=compiled.columns))
        body = compiled.body
        inputs = compiled.columns + len(compiled.encodings)
        self._runner: _Sum | TreeRunner = (
            TreeRunner(body, inputs=inputs, outputs=compiled.outputs) if isinstance(body, Forest) else _Sum(compiled, body)
        )
        self._bushes = BushRunner(body, inputs=inputs, outputs=compiled.outputs) if isinstance(body, Forest) and is_bush(body) else None
        self._encodes = isinstance(body, Forest) and bool(self._encodings)
        self._answers_at_once = compiled.link == "sigmoid"

    @property
    def nbytes(self) -> int:
        """Return about how much memory the model takes, explanations included once one was asked for."""
        body = self.compiled.body
        arrays: list[np.ndarray] = [getattr(body, name) for name in body.__struct_fields__ if name != "tables"]
        arrays += [encoding.categories for encoding in self.compiled.encodings]
        if isinstance(body, Additive):
            return sum(array.nbytes for array in (*arrays, *body.tables))
        size = sum(array.nbytes for array in arrays) + (0 if self._bushes is None else self._bushes.nbytes)
        return size + RUNNER_BYTES_PER_NODE * len(body.inputs) + (self._paths.nbytes if "_paths" in self.__dict__ else 0)

    def run(self, rows: FloatArray) -> FloatArray:
        """Return the classes' probabilities, or one value a row. Shape: (n, columns) → (n, classes) or (n, 1). Null is NaN.

        Raises:
            CorruptArtifactError: What comes out is not finite.
        """
        if len(rows) != 1:
            return self._answer(self.compute_margins(rows))
        sums = self._runner.run_row(self._encode(rows) if self._encodes else rows)
        if not self._answers_at_once:
            return self._answer((sums + self._base)[np.newaxis])
        margin = sums.item() + self._only_base
        if not math.isfinite(margin):
            raise CorruptArtifactError(f"The model gave the margin {margin}")
        return np.array((_answer_odds(margin),))

    def compute_margins(self, rows: FloatArray) -> FloatArray:
        """Return what the answers are made of, which explanations add up to. Shape: (n, columns) → (n, outputs)."""
        runner = self._runner if self._bushes is None or len(rows) < FEWEST_ROWS else self._bushes
        margins: FloatArray = runner.run(self._encode(rows)) + self._base
        return margins

    @property
    def scale(self) -> Scale:
        """Return the scale of margins and explanations."""
        return SCALES[self._link]

    def explain(self, row: FloatArray) -> Explanation:
        """Return each column's contribution to the margins of one row. Shape: (columns,)."""
        body = self.compiled.body
        if isinstance(body, Additive):
            base, contributions = explain_additive(self.compiled, body, row)
        else:
            (inputs,) = self._encode(row[np.newaxis])
            base, contributions = self._paths.base, self._paths.explain(inputs)
        return Explanation(self.scale, base, contributions)

    @cached_property
    def _paths(self) -> TreePaths:
        if not isinstance(self.compiled.body, Forest):
            raise TypeError("Only trees have paths")
        return TreePaths(self.compiled, self.compiled.body)

    def _encode(self, rows: FloatArray) -> FloatArray:
        """Return the columns and, for trees, the encodings behind them."""
        if not self._encodes:
            return rows
        inputs = np.empty((len(rows), rows.shape[1] + len(self._encodings)))
        inputs[:, : rows.shape[1]] = rows
        alone = len(rows) == 1
        for place, encoding in self._encodings:
            inputs[:, place] = encoding.encode_one(rows.item(encoding.column)) if alone else encoding.encode(rows[:, encoding.column])
        return inputs

    def _answer(self, margins: FloatArray) -> FloatArray:
        if not np.isfinite(margins).all():
            raise CorruptArtifactError("The model gave margins that are not finite")
        if self._link == "sigmoid":
            answers: FloatArray = _answer_all_odds(margins[:, 0])
        elif self._link == "softmax":
            odds = _exponentiate(margins - margins.max(axis=1, keepdims=True))
            answers = odds / np.add.reduce(odds, axis=1, keepdims=True)
        else:
            answers = _exponentiate(margins) if self._link == "exp" else margins
        if not np.isfinite(answers).all():
            raise CorruptArtifactError("The model gave answers that are not finite")
        return answers


def _exponentiate(values: FloatArray) -> FloatArray:
    """Return e to each, the same to the bit wherever it is computed: NumPy's own `exp` chooses its code by the processor.

    Raises:
        CorruptArtifactError: One is too large for a float.
    """
    try:
        return np.fromiter(map(math.exp, values.ravel().tolist()), np.float64, values.size).reshape(values.shape)
    except OverflowError as error:
        raise CorruptArtifactError("The model gave answers that are not finite") from error


def _answer_odds(margin: float) -> tuple[float, float]:
    """Return the probabilities of both classes; row by row, so that a row's answer does not hang on the rows beside it."""
    odds = math.exp(-abs(margin))
    less = odds / (1 + odds)
    return (less, 1 - less) if margin > 0 else (1 - less, less)


def _answer_all_odds(margins: FloatArray) -> FloatArray:
    """Return the probabilities of both classes of each row, to the bit as of one: NumPy's own `exp` hangs on where a row stands."""
    odds = np.fromiter(map(math.exp, (-np.abs(margins)).tolist()), np.float64, len(margins))
    less = odds / (1 + odds)
    answers = np.empty((len(margins), 2))
    answers[:, 0] = np.where(margins > 0, less, 1 - less)
    answers[:, 1] = np.where(margins > 0, 1 - less, less)
    return answers


def load_model(path: str, *, columns: int, classes: int) -> LoadedModel:
    """Return the model in the file at `path`, whose bytes were checked before, warm: it has run, with values and with nulls.

    Raises:
        CorruptArtifactError: It is not a model of that shape, or cannot be run.
    """
    compiled = decode_compiled(Path(path).read_bytes())
    if (compiled.columns, compiled.width) != (columns, classes):
        raise CorruptArtifactError(f"The model answers {compiled.width} of {compiled.columns} columns, not {classes} of {columns}")
    model = LoadedModel(compiled)
    for value in (0.0, np.nan):
        model.run(np.full((1, columns), value))
    return model
