"""Additive explanations: what each column added to a row's margins, over what is expected of any row.

Trees: Shapley values of the path-dependent game, in which an absent column is averaged over a node's children by their covers.
The players are the model's columns, so what a pipeline made of one column is one contribution. Sums: each term less its mean.

References:
    Lundberg, Erion, Lee: Consistent Individualized Feature Attribution for Tree Ensembles, 2018 (section 3, the game).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from presage.training.compiled import Additive, CompiledModel, FloatArray, Forest

Scale = Literal["value", "log_value", "log_odds", "logits"]
SCALES: dict[str, Scale] = {"identity": "value", "exp": "log_value", "sigmoid": "log_odds", "softmax": "logits"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """For each output, `base` plus the sum of its contributions is the row's margin, on the named scale.

    `log_odds` are of the last class; `logits` one per class, whose softmax is the probabilities. Shape: (outputs,), (outputs, columns).
    """

    scale: Scale
    base: FloatArray
    contributions: FloatArray


@dataclass(frozen=True, slots=True)
class ScoreExplanation:
    """`base` plus the sum of the contributions is the score itself. Shape of `contributions`: (columns,)."""

    base: float
    contributions: FloatArray


SMALLEST_RISE = 1e-4
"""Below it the slope in the middle is nearer to the mean slope than a quotient of differences is."""


def explain_score(margins: Explanation) -> ScoreExplanation | None:
    """Return the last output's explanation on the scale of its answer; None for logits, as no class's answer is made of its own alone.

    Integrated gradients from the base to the margin. Contributions add up to the margin, so each of them rises by its share of the
    answer's whole rise: it is multiplied by the link's mean slope on the way.

    References:
        Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, 2017 (equation 1).
    """
    if margins.scale == "logits":
        return None
    start, contributions = margins.base.item(-1), margins.contributions[-1]
    return ScoreExplanation(_link(margins.scale, start), contributions * _slope(margins.scale, start, contributions.sum().item()))


def _link(scale: Scale, margin: float) -> float:
    if scale == "log_odds":
        return (1 + math.tanh(margin / 2)) / 2
    return math.exp(margin) if scale == "log_value" else margin


def _slope(scale: Scale, start: float, rise: float) -> float:
    """Return the mean slope of the link between `start` and `start + rise`."""
    if scale == "value":
        return 1.0
    if abs(rise) >= SMALLEST_RISE:
        return (_link(scale, start + rise) - _link(scale, start)) / rise
    middle = _link(scale, start + rise / 2)
    return middle * (1 - middle) if scale == "log_odds" else middle


class TreePaths:
    """The ways to all leaves, by leaf and by column: what does not depend on the row, made once.

    A column's share is the product of its nodes' cover fractions on the way to the leaf. Shape: `_shares` (groups,), one group
    for each column on each way; `_steps` are the edges behind them.
    """

    def __init__(self, model: CompiledModel, forest: Forest) -> None:
        """Derive the ways from a checked forest."""
        self._model, self._forest = model, forest
        parents, leaves = _find_parents(forest), np.flatnonzero(forest.inputs < 0)
        leaf, child = _walk_up(parents, leaves)
        node = parents[child]
        columns = np.array([*range(model.columns), *(encoding.column for encoding in model.encodings)], dtype=np.int64)
        column = columns[forest.inputs[node]]
        order = np.lexsort((column, leaf))
        leaf, column, node, child = leaf[order], column[order], node[order], child[order]
        self._node, self._went_left = node, forest.left[node] == child
        self._groups = np.flatnonzero(np.diff(leaf, prepend=-1) | np.diff(column, prepend=-1))
        self._column, self._leaf = column[self._groups], leaf[self._groups]
        self._ways = np.flatnonzero(np.diff(self._leaf, prepend=-1))
        fractions = np.divide(forest.covers[child], forest.covers[node], out=np.zeros(len(child)), where=forest.covers[node] > 0)
        self._shares = np.multiply.reduceat(fractions, self._groups) if len(self._groups) else np.zeros(0)
        tree = np.searchsorted(forest.roots, np.arange(len(forest.inputs)), side="right") - 1
        self._output = tree % model.outputs
        self._sizes = np.diff(np.append(self._ways, len(self._groups)))
        self.base = np.array(model.base) + self._expect(leaves)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the arrays."""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray))

    def explain(self, inputs: FloatArray) -> FloatArray:
        """Return the contributions of one encoded row. Shape: (inputs,) → (outputs, columns).

        A leaf's value v is won when every column on its way is satisfied or, absent, by its share. A column's Shapley value in that
        product game is v · (satisfied - share) · ∫₀¹ Π (satisfied' t + share' (1 - t)) dt over the way's other columns, as
        |S|! (d - |S| - 1)! / d! = ∫₀¹ t^|S| (1 - t)^(d - |S| - 1) dt; Gauss's quadrature is exact for that polynomial.
        """
        wide = (self._model.outputs, self._model.columns)
        if not len(self._groups):
            return np.zeros(wide)
        satisfied = np.logical_and.reduceat(_go_left(self._forest, self._model, inputs)[self._node] == self._went_left, self._groups)
        weights = np.zeros(len(self._groups))
        for place, weight in zip(*_build_quadrature(int(self._sizes.max())), strict=True):
            factors = satisfied * place + self._shares * (1 - place)
            products = np.repeat(np.multiply.reduceat(factors, self._ways), self._sizes)
            weights += weight * np.divide(products, factors, out=np.zeros(len(factors)), where=factors > 0)
        gains = self._forest.values[self._leaf] * (satisfied - self._shares) * weights
        cells = self._output[self._leaf] * self._model.columns + self._column
        added = np.zeros(wide[0] * wide[1])
        np.add.at(added, cells, gains)
        return added.reshape(wide)

    def _expect(self, leaves: npt.NDArray[np.intp]) -> FloatArray:
        reached = np.ones(len(self._forest.inputs))
        if len(self._groups):
            reached[self._leaf[self._ways]] = np.multiply.reduceat(self._shares, self._ways)
        expected = np.zeros(self._model.outputs)
        np.add.at(expected, self._output[leaves], (self._forest.values * reached)[leaves])
        return expected


def explain_additive(model: CompiledModel, body: Additive, row: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return base and contributions of one row. Shape: (columns,) → (outputs,), (outputs, columns)."""
    terms = compute_terms(model, body, row[np.newaxis])[0]
    return np.array(model.base) + body.means.sum(axis=1), terms - body.means


def compute_terms(model: CompiledModel, body: Additive, rows: FloatArray) -> FloatArray:
    """Return each column's term. Shape: (n, columns) → (n, outputs, columns)."""
    nulls = np.isnan(rows)[:, np.newaxis]
    terms = np.where(nulls, body.at_null, body.slopes * np.where(nulls, 0.0, rows[:, np.newaxis] - body.centers))
    for encoding, table in zip(model.encodings, body.tables, strict=True):
        terms[:, :, encoding.column] += table[:, encoding.encode(rows[:, encoding.column])].T
    return terms


def _go_left(forest: Forest, model: CompiledModel, inputs: FloatArray) -> npt.NDArray[np.bool_]:
    """Return for each node whether the row would go left there (false at leaves)."""
    values = inputs[forest.inputs]
    left = np.where(np.isnan(values), forest.null_left, values <= forest.thresholds)
    coded = forest.inputs >= model.columns
    left[coded] = forest.sets[forest.set_starts[forest.set_of[coded]] + values[coded].astype(np.int64)]
    return left & (forest.inputs >= 0)


def _find_parents(forest: Forest) -> npt.NDArray[np.int64]:
    parents = np.full(len(forest.inputs), -1, dtype=np.int64)
    inner = np.flatnonzero(forest.inputs >= 0)
    parents[forest.left[inner]] = inner
    parents[forest.right[inner]] = inner
    return parents


def _walk_up(parents: npt.NDArray[np.int64], leaves: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the leaf and the lower node of each edge on each leaf's way to its root."""
    found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = []
    leaf = node = leaves.astype(np.int64)
    while len(node):
        going = parents[node] >= 0
        leaf, node = leaf[going], node[going]
        found.append((leaf, node))
        node = parents[node]
    return np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])


def _build_quadrature(players: int) -> tuple[list[float], list[float]]:
    """Return places in (0, 1) and weights that integrate polynomials of degree players - 1 exactly."""
    places, weights = np.polynomial.legendre.leggauss((players + 1) // 2)
    return ((places + 1) / 2).tolist(), (weights / 2).tolist()
