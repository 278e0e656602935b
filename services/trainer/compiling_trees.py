"""Compiles gradient-boosted trees: each node's question about a column of the pipeline becomes one about a column of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from presage.errors import InvalidInputError
from presage.training.compiled import BoolArray, Encoding, FloatArray, Forest
from services.trainer.folding import NULL, Column, Number, Table

_WORD_BITS = 32
_BISECTIONS = 64


@dataclass(frozen=True)
class Tree:
    """One tree in scikit-learn's order of nodes, parents first. Leaves have feature -1. `categories` are by node, if any.

    `left_of[node]` are the category codes that go left there and `known_of[node]` those that do not follow null.
    """

    features: npt.NDArray[np.int64]
    thresholds: FloatArray
    null_left: BoolArray
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    values: FloatArray
    covers: FloatArray
    left_of: dict[int, npt.NDArray[np.int64]]
    known_of: dict[int, npt.NDArray[np.int64]]


class ForestBuilder:
    """Collects trees over folded columns into one forest over data columns and encodings."""

    def __init__(self, columns: Sequence[Column], *, width: int) -> None:
        """Take the folded columns, and how many columns the data have."""
        self._columns = columns
        self._width = width
        tables = [column for column in columns if isinstance(column, Table)]
        self._encodings = list(dict.fromkeys((table.column, table.categories) for table in tables))
        self._sets: dict[bytes, int] = {}

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """Return the inputs behind the columns."""
        return tuple(Encoding(column, np.array(categories, dtype=np.float64)) for column, categories in self._encodings)

    def build(self, trees: Sequence[Tree]) -> Forest:
        """Return the forest of these trees."""
        sizes = [len(tree.features) for tree in trees]
        starts = np.cumsum([0, *sizes[:-1]])
        inputs, thresholds, null_left, set_of = (np.concatenate(part) for part in zip(*map(self._fold_tree, trees), strict=True))
        inner = inputs >= 0
        left, right = (
            np.concatenate([getattr(tree, side) + start for tree, start in zip(trees, starts, strict=True)]) for side in ("left", "right")
        )
        bodies = list(self._sets)
        return Forest(
            roots=starts.astype("<i4"),
            inputs=inputs.astype("<i4"),
            thresholds=thresholds,
            null_left=null_left,
            set_of=set_of.astype("<i4"),
            left=np.where(inner, left, -1).astype("<i4"),
            right=np.where(inner, right, -1).astype("<i4"),
            values=np.where(inner, 0.0, np.concatenate([tree.values for tree in trees])),
            covers=np.concatenate([tree.covers for tree in trees]).astype(np.float64),
            sets=np.frombuffer(b"".join(bodies), dtype=np.bool_),
            set_starts=np.cumsum([0, *map(len, bodies[:-1])])[: len(bodies)].astype("<i4"),
        )

    def _fold_tree(self, tree: Tree) -> tuple[npt.NDArray[np.int64], FloatArray, BoolArray, npt.NDArray[np.int64]]:
        nodes = len(tree.features)
        inputs, thresholds = np.full(nodes, -1), np.zeros(nodes)
        null_left, set_of = np.zeros(nodes, dtype=np.bool_), np.full(nodes, -1)
        for feature in np.unique(tree.features[tree.features >= 0]):
            column, asking = self._columns[feature], np.flatnonzero(tree.features == feature)
            if isinstance(column, Number):
                inputs[asking] = column.column
                thresholds[asking], null_left[asking] = self._fold_numbers(column, tree, asking)
            else:
                inputs[asking] = self._width + self._encodings.index((column.column, column.categories))
                set_of[asking] = [self._number_set(_go_left(tree, int(node), column.values)) for node in asking]
        return inputs, thresholds, null_left, set_of

    def _fold_numbers(self, column: Number, tree: Tree, asking: npt.NDArray[np.intp]) -> tuple[FloatArray, BoolArray]:
        if any(int(node) in tree.left_of for node in asking):
            raise InvalidInputError("Categories without an encoder cannot be served")
        null = np.array([column.at_null])
        limits = tree.thresholds[asking]
        left = np.array([_go_left(tree, int(node), null)[0] for node in asking], dtype=np.bool_)
        return find_limits(column, limits), left

    def _number_set(self, left: BoolArray) -> int:
        return self._sets.setdefault(left.tobytes(), len(self._sets))


def find_limits(column: Number, limits: FloatArray) -> FloatArray:
    """Return for each limit the greatest value of the data's column that the folded column maps to the limit or below.

    Found by bisection over the doubles themselves, so that scaling and rounding to 32 bits decide as they do in scikit-learn:
    a value goes where it went there, to the last bit. -inf if all values are above the limit.
    """
    low = np.full(len(limits), _to_rank(np.array([-np.inf]))[0])
    high = np.full(len(limits), _to_rank(np.array([np.finfo(np.float64).max]))[0])
    with np.errstate(over="ignore"):
        for _ in range(_BISECTIONS):
            middle = (low | high) - ((low ^ high) >> 1)  # halfway, upwards
            below = column.apply(_from_rank(middle)) <= limits
            low, high = np.where(below, middle, low), np.where(below, high, middle - 1)
            high = np.maximum(low, high)
    return _from_rank(low)


def _to_rank(values: FloatArray) -> npt.NDArray[np.int64]:
    """Return integers in the order of the values."""
    bits = values.view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def _from_rank(ranks: npt.NDArray[np.int64]) -> FloatArray:
    return np.where(ranks < 0, np.iinfo(np.int64).min - ranks, ranks).view(np.float64)


def _go_left(tree: Tree, node: int, values: FloatArray) -> BoolArray:
    """Return which values of the node's own column go left there."""
    if node not in tree.left_of:
        left: BoolArray = np.where(np.isnan(values), tree.null_left[node], values <= tree.thresholds[node])
        return left
    named, known = np.isin(values, tree.left_of[node]), np.isin(values, tree.known_of[node])
    return np.where(named, True, np.where(known, False, tree.null_left[node]))


def round_to_float32(values: FloatArray) -> FloatArray:
    """Return the values as scikit-learn's own trees see them."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def list_boosted_trees(estimator: Any) -> list[Tree]:  # noqa: ANN401 - scikit-learn has no types
    """Return the trees of a `GradientBoosting…`, round by round."""
    return [_read_tree(found.tree_, estimator.learning_rate) for found in estimator.estimators_.ravel()]


def _read_tree(found: Any, rate: float) -> Tree:  # noqa: ANN401
    leaf = found.children_left < 0
    return Tree(
        features=np.where(leaf, -1, found.feature),
        thresholds=found.threshold,
        null_left=np.zeros(len(leaf), dtype=np.bool_),
        left=found.children_left,
        right=found.children_right,
        values=found.value[:, 0, 0] * rate,
        covers=found.weighted_n_node_samples,
        left_of={},
        known_of={},
    )


def list_histogram_trees(estimator: Any) -> list[Tree]:  # noqa: ANN401
    """Return the trees of a `HistGradientBoosting…`, round by round. scikit-learn has no public name for them."""
    known = _list_known_categories(estimator)
    return [_read_histogram_tree(found, known) for one_round in estimator._predictors for found in one_round]  # noqa: SLF001


def _list_known_categories(estimator: Any) -> dict[int, npt.NDArray[np.int64]]:  # noqa: ANN401
    bits, positions = estimator._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    flags = np.zeros(len(positions), dtype=np.bool_) if estimator.is_categorical_ is None else estimator._is_categorical_remapped  # noqa: SLF001
    return {feature: _list_bits(bits[positions[feature]]) for feature in np.flatnonzero(flags).tolist()}


def _read_histogram_tree(found: Any, known: dict[int, npt.NDArray[np.int64]]) -> Tree:  # noqa: ANN401
    nodes = found.nodes
    leaf = nodes["is_leaf"].astype(np.bool_)
    coded = np.flatnonzero(nodes["is_categorical"].astype(np.bool_) & ~leaf).tolist()
    return Tree(
        features=np.where(leaf, -1, nodes["feature_idx"]),
        thresholds=np.where(leaf, NULL, nodes["num_threshold"]),
        null_left=nodes["missing_go_to_left"].astype(np.bool_),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        values=nodes["value"],
        covers=nodes["count"].astype(np.float64),
        left_of={node: _list_bits(found.raw_left_cat_bitsets[nodes["bitset_idx"][node]]) for node in coded},
        known_of={node: known[int(nodes["feature_idx"][node])] for node in coded},
    )


def _list_bits(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")).astype(np.int64)
