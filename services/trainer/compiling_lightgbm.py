"""Reads the trees that LightGBM fitted, as it describes them itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from services.trainer.compiling_trees import Tree
from services.trainer.folding import NULL

Node = dict[str, Any]


def list_lightgbm_trees(booster: Any) -> list[Tree]:  # noqa: ANN401 - its own class, of which only this is asked
    """Return the trees in order."""
    return [_read_tree(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]


def _read_tree(root: Node) -> Tree:
    nodes = _list_nodes(root)
    places = {id(node): place for place, node in enumerate(nodes)}
    inner = np.array(["split_feature" in node for node in nodes])

    def read(name: str, absent: float) -> npt.NDArray[np.float64]:
        return np.array([node.get(name, absent) for node in nodes], dtype=np.float64)

    def find(side: str) -> npt.NDArray[np.int64]:
        return np.array([places[id(node[side])] if side in node else -1 for node in nodes])

    return Tree(
        features=read("split_feature", -1).astype(np.int64),
        thresholds=read("threshold", NULL),
        null_left=np.array([bool(asks) and _null_goes_left(node) for asks, node in zip(inner, nodes, strict=True)], dtype=np.bool_),
        left=find("left_child"),
        right=find("right_child"),
        values=read("leaf_value", 0.0),
        covers=np.where(inner, read("internal_count", 0), read("leaf_count", 0)),
        left_of={},
        known_of={},
    )


def _null_goes_left(node: Node) -> bool:
    """A feature that was never null in training takes null for 0."""
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else bool(node["threshold"] >= 0)


def _list_nodes(root: Node) -> list[Node]:
    """Return the nodes, each behind its parent."""
    found: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += [node[side] for side in ("right_child", "left_child") if side in node]
    return found
