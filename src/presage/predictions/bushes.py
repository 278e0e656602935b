"""Runs many rows through small trees without a branch that depends on a value: a processor cannot guess where a row goes next.

All nodes of all trees are asked at once, whether a row comes by or not; a tree's answers, a bit each, are the number of the leaf
in a table. For trees of up to `MOST_NODES` nodes that is several times as fast as walking them (docs/adr/0027).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from presage.predictions.lightgbm_text import LARGEST
from presage.training.compiled import Forest

FloatArray = npt.NDArray[np.float64]
MOST_NODES = 7
"""What a tree of depth 3 has. One more would double the table, and need a second byte beyond eight."""
MOST_TREES = 2_000
ROWS_AT_ONCE = 52
"""Half of the longest call and a little more; a multiple of 4."""
FEWEST_ROWS = 24
"""Below, walking the trees costs less."""
_COMBINATIONS = 1 << MOST_NODES


class BushRunner:
    """Trees as tables, safe to run from many threads. Null is minus or plus infinity, whichever goes where null does."""

    def __init__(self, forest: Forest, *, inputs: int, outputs: int) -> None:
        """Lay out a checked forest that `is_bush`."""
        trees = len(forest.roots)
        asked = np.zeros((MOST_NODES, trees), dtype=np.intp)
        limits = np.full((MOST_NODES, trees), LARGEST)
        table = np.empty((trees, _COMBINATIONS))
        for tree, nodes in enumerate(_list_trees(forest)):
            inner = nodes[forest.inputs[nodes] >= 0]
            asked[: len(inner), tree] = forest.inputs[inner] + np.where(forest.null_left[inner], 0, inputs)
            limits[: len(inner), tree] = np.clip(forest.thresholds[inner], -LARGEST, LARGEST)
            table[tree] = _fill(forest, nodes[0], {node: bit for bit, node in enumerate(inner.tolist())})
        self._inputs, self._outputs, self._trees = inputs, outputs, trees
        self._asked, self._table = asked.reshape(-1), table.reshape(-1)
        self._limits = np.repeat(limits.reshape(-1, 1), ROWS_AT_ONCE, axis=1)  # of the shape of what is compared: 4 times as fast
        self._first = (np.arange(trees) * _COMBINATIONS)[:, np.newaxis]

    @property
    def nbytes(self) -> int:
        """Return the bytes of the tables."""
        return sum(array.nbytes for array in (self._asked, self._limits, self._table, self._first))

    def run(self, rows: FloatArray) -> FloatArray:
        """Return the sums, added up in the order of the trees. Shape: (n, inputs) → (n, outputs)."""
        sums = np.empty((len(rows), self._outputs))
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            sums[start : start + len(some)] = self._run_some(some)
        return sums

    def _run_some(self, rows: FloatArray) -> FloatArray:
        values = np.zeros((2, self._inputs, ROWS_AT_ONCE))
        values[:, :, : len(rows)] = rows.T
        nulls = np.isnan(values[0])
        if nulls.any():
            values[0][nulls], values[1][nulls] = -np.inf, np.inf
        goes_right = values.reshape(-1, ROWS_AT_ONCE).take(self._asked, axis=0) > self._limits
        # Each byte is 0 or 1, and stays below 128: four are shifted at once.
        bits = goes_right.view(np.uint32).reshape(MOST_NODES, -1)
        packed = bits[-1].copy()
        for node in range(MOST_NODES - 2, -1, -1):
            packed += packed
            packed += bits[node]
        leaves = self._table.take(packed.view(np.uint8).reshape(self._trees, ROWS_AT_ONCE) + self._first)
        sums: FloatArray = np.add.reduce(leaves.reshape(-1, self._outputs, ROWS_AT_ONCE), axis=0)
        return sums.T[: len(rows)]


def is_bush(forest: Forest) -> bool:
    """Return whether each of the trees has few nodes, none of which asks for a set, and there are not too many of them."""
    inner = forest.inputs >= 0
    starts = np.zeros(len(inner), dtype=np.intp)
    starts[forest.roots[1:]] = 1
    most = np.bincount(np.cumsum(starts), weights=inner).max()
    return bool(most <= MOST_NODES and len(forest.roots) <= MOST_TREES and not (forest.set_of[inner] >= 0).any())


def _list_trees(forest: Forest) -> list[npt.NDArray[np.intp]]:
    ends = [*forest.roots[1:].tolist(), len(forest.inputs)]
    return [np.arange(start, end) for start, end in zip(forest.roots.tolist(), ends, strict=True)]


def _fill(forest: Forest, root: int, bit_of: dict[int, int]) -> FloatArray:
    """Return the value that each combination of a tree's answers leads to; a node's bit says that the row goes right."""
    at = np.full(_COMBINATIONS, root)
    combinations = np.arange(_COMBINATIONS)
    for node, bit in bit_of.items():  # children are behind their parents
        right = (combinations >> bit & 1).astype(np.bool_)
        at = np.where(at == node, np.where(right, forest.right[node], forest.left[node]), at)
    values: FloatArray = forest.values[at]
    return values
