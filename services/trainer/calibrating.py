"""Makes probabilities of margins: what a model says more or less surely than it should is put right on rows that it has not seen.

References: Platt (1999), Probabilistic outputs for support vector machines (two classes: slope and intercept, labels smoothed); Guo,
Pleiss, Sun, Weinberger (2017), On calibration of modern neural networks (more classes: one temperature).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from scipy.optimize import minimize
from scipy.special import log_expit, log_softmax

from presage.training.compiled import Additive, CompiledModel, FloatArray
from presage.training.evaluation import Integers

SMALLEST_SLOPE = 1e-3
"""A calibration never turns an order round, nor makes all alike."""


@dataclass(frozen=True)
class Calibration:
    """Turns margins into slope · margin + intercept."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, margins: FloatArray) -> FloatArray:
        """Return the margins put right."""
        return self.slope * margins + self.intercept

    def fold(self, compiled: CompiledModel) -> CompiledModel:
        """Return the model whose margins are put right: leaf values, or terms, and base carry it."""
        body = compiled.body
        names = ("slopes", "at_null", "means") if isinstance(body, Additive) else ("values",)
        scaled = replace(body, **{name: getattr(body, name) * self.slope for name in names})
        if isinstance(scaled, Additive):
            scaled = replace(scaled, tables=tuple(table * self.slope for table in scaled.tables))
        base = tuple(float(self.slope * value + self.intercept) for value in compiled.base)
        return replace(compiled, base=base, body=scaled)


def calibrate(margins: FloatArray, labels: Integers) -> Calibration:
    """Return what makes held-out margins probabilities. Shape: (rows,) or (rows, classes), (rows,)."""
    return _fit_temperature(margins, labels) if margins.ndim > 1 else _fit_platt(margins, labels)


def _fit_platt(margins: FloatArray, labels: Integers) -> Calibration:
    positives = int((labels == 1).sum())
    negatives = len(labels) - positives
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def lose(parameters: FloatArray) -> tuple[float, FloatArray]:
        odds = parameters[0] * margins + parameters[1]
        loss = -(targets * log_expit(odds) + (1 - targets) * log_expit(-odds)).mean()
        excess = np.exp(log_expit(odds)) - targets
        return float(loss), np.array([(excess * margins).mean(), excess.mean()])

    found = minimize(lose, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(SMALLEST_SLOPE, None), (None, None)])
    return Calibration(float(found.x[0]), float(found.x[1]))


def _fit_temperature(margins: FloatArray, labels: Integers) -> Calibration:
    rows = np.arange(len(labels))

    def lose(parameters: FloatArray) -> tuple[float, FloatArray]:
        logs = log_softmax(parameters[0] * margins, axis=1)
        slope = (margins * np.exp(logs)).sum(axis=1) - margins[rows, labels]
        return float(-logs[rows, labels].mean()), np.array([slope.mean()])

    found = minimize(lose, np.array([1.0]), jac=True, method="L-BFGS-B", bounds=[(SMALLEST_SLOPE, None)])
    return Calibration(float(found.x[0]))
