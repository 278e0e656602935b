"""Writes a forest as a LightGBM model, whose text the library reads without checks: only checked forests may come here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from presage.training.compiled import Forest

LARGEST = 1e308
"""The library's own stand-in for infinity. Values of features are within ±3.4e38."""

_CATEGORICAL, _NULL_IS_NAN, _NULL_LEFT = 1, 8, 2
_WORD_BITS = 32
Indices = npt.NDArray[np.intp]


def write_text(forest: Forest, *, inputs: int, outputs: int) -> bytes:
    """Return the text: one LightGBM tree a tree, of class t % outputs."""
    ends = [*forest.roots[1:].tolist(), len(forest.inputs)]
    trees = [
        _write_tree(forest, number, np.arange(start, end))
        for number, (start, end) in enumerate(zip(forest.roots.tolist(), ends, strict=True))
    ]
    head = {
        "version": "v4",
        "num_class": outputs,
        "num_tree_per_iteration": outputs,
        "label_index": 0,
        "max_feature_idx": inputs - 1,
        "feature_names": " ".join(f"f{number}" for number in range(inputs)),
        "feature_infos": " ".join(["none"] * inputs),
        "tree_sizes": _join(map(len, trees)),
    }
    return f"tree\n{_write_fields(head)}\n{''.join(trees)}end of trees\n\nparameters:\nend of parameters\n".encode()


def _write_tree(forest: Forest, number: int, nodes: Indices) -> str:
    is_leaf = forest.inputs[nodes] < 0
    inner, leaves = nodes[~is_leaf], nodes[is_leaf]
    name = np.empty(len(nodes), dtype=np.int64)
    name[~is_leaf], name[is_leaf] = np.arange(len(inner)), -1 - np.arange(len(leaves))
    sets = [_pack_set(forest, node) for node in inner if forest.set_of[node] >= 0]
    fields = {
        "num_leaves": len(leaves),
        "num_cat": len(sets),
        "split_feature": _join(forest.inputs[inner]),
        "threshold": _join(_list_thresholds(forest, inner)),
        "decision_type": _join(_list_decisions(forest, inner)),
        "left_child": _join(name[forest.left[inner] - nodes[0]]),
        "right_child": _join(name[forest.right[inner] - nodes[0]]),
        "leaf_value": _join(forest.values[leaves].tolist()),
    }
    if sets:
        fields["cat_boundaries"] = _join(np.cumsum([0, *map(len, sets)]))
        fields["cat_threshold"] = _join(np.concatenate(sets))
    return f"Tree={number}\n{_write_fields(fields | {'is_linear': 0, 'shrinkage': 1})}\n\n"


def _list_thresholds(forest: Forest, inner: Indices) -> list[float | int]:
    """A node with a set names the position of its set among the tree's."""
    coded = forest.set_of[inner] >= 0
    positions = (np.cumsum(coded) - 1).tolist()
    limits = np.clip(forest.thresholds[inner], -LARGEST, LARGEST).tolist()
    return [position if is_coded else limit for position, limit, is_coded in zip(positions, limits, coded.tolist(), strict=True)]


def _list_decisions(forest: Forest, inner: Indices) -> npt.NDArray[np.int64]:
    numeric = _NULL_IS_NAN + np.where(forest.null_left[inner], _NULL_LEFT, 0)
    return np.where(forest.set_of[inner] >= 0, _CATEGORICAL, numeric)


def _pack_set(forest: Forest, node: np.intp) -> npt.NDArray[np.uint32]:
    """Return the node's set as bits, least significant first."""
    number = forest.set_of[node]
    bits = forest.sets[slice(*[*forest.set_starts[number : number + 2].tolist(), len(forest.sets)][:2])]
    padded = np.zeros(-(-len(bits) // _WORD_BITS) * _WORD_BITS, dtype=np.uint8)
    padded[: len(bits)] = bits
    return np.packbits(padded, bitorder="little").view("<u4")


def _write_fields(fields: dict[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in fields.items())


def _join(values: Iterable[object] | npt.NDArray[np.generic]) -> str:
    return " ".join(map(repr, values.tolist() if isinstance(values, np.ndarray) else values))
