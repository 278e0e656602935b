"""What a fitted pipeline becomes at registration: arrays that answer as it does, and no code (docs/adr/0016)."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError

FORMAT = 1
Link = Literal["identity", "exp", "sigmoid", "softmax"]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
_DTYPES = {"<f8", "<i4", "|b1"}


class Encoding(msgspec.Struct, frozen=True, dict=True):
    """An input made from a column: the position of its value in `categories`, which ascend.

    Any other value is one position behind them all, null two.
    """

    column: int
    categories: np.ndarray

    @property
    def codes(self) -> int:
        """Return how many values the input has."""
        return len(self.categories) + 2

    def encode(self, values: FloatArray) -> npt.NDArray[np.intp]:
        """Return the codes of a column's values."""
        codes = np.searchsorted(self.categories, values)
        known = np.append(self.categories, np.nan)[codes] == values
        return np.where(np.isnan(values), self.codes - 1, np.where(known, codes, self.codes - 2))

    def encode_one(self, value: float) -> int:
        """Return the code of one value, as `encode` does, in a fraction of its time."""
        if math.isnan(value):
            return self.codes - 1
        return self._positions.get(value, self.codes - 2)

    @cached_property
    def _positions(self) -> dict[float, int]:
        return {category: position for position, category in enumerate(self.categories.tolist())}


class Forest(msgspec.Struct, frozen=True, tag="forest"):
    """Trees whose leaf values add up. Tree t belongs to output t % outputs.

    Shape: all but `roots`, `sets` and `set_starts` are (nodes,), a tree's nodes together, its root first, children behind parents.
    A leaf has input -1 and no children. At a numeric node, `value <= threshold` goes left, and null by `null_left`. At a node
    with a set, a code goes left if `sets[set_starts[set] + code]`. `covers` count the training rows that came by.
    """

    roots: np.ndarray
    inputs: np.ndarray
    thresholds: np.ndarray
    null_left: np.ndarray
    set_of: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray
    covers: np.ndarray
    sets: np.ndarray
    set_starts: np.ndarray


class Additive(msgspec.Struct, frozen=True, tag="additive"):
    """A sum over columns: `slopes · (value - centers)`, or `at_null` for null; and for each encoding its code's entry in `tables`.

    Shape: `centers` is (columns,), a table (outputs, codes), the others (outputs, columns). `means` are the mean terms of the
    rows that it was fitted on, from which explanations count.
    """

    slopes: np.ndarray
    centers: np.ndarray
    at_null: np.ndarray
    tables: tuple[np.ndarray, ...]
    means: np.ndarray


class CompiledModel(msgspec.Struct, frozen=True):
    """A model's arrays. What the body gives for each output, plus `base`, is the margin; `link` makes the answer of it.

    Inputs are the columns in order, then the encodings.
    """

    format: int
    columns: int
    link: Link
    base: tuple[float, ...]
    encodings: tuple[Encoding, ...]
    body: Forest | Additive

    @property
    def outputs(self) -> int:
        """Return how many margins a row has."""
        return len(self.base)

    @property
    def width(self) -> int:
        """Return how many numbers answer a row: the classes' probabilities, or one value."""
        return 2 if self.link == "sigmoid" else self.outputs


def encode_compiled(model: CompiledModel) -> bytes:
    """Return the file's bytes."""
    return msgspec.msgpack.encode(model, enc_hook=_encode_array)


def decode_compiled(body: bytes) -> CompiledModel:
    """Return the model after checking that every index in it leads somewhere, so that running it cannot go astray.

    Raises:
        CorruptArtifactError: It is not such a model.
    """
    try:
        model = msgspec.msgpack.decode(body, type=CompiledModel, dec_hook=_decode_array)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise CorruptArtifactError(f"The model cannot be read: {error}") from error
    check_compiled(model)
    return model


def check_compiled(model: CompiledModel) -> None:
    """Return if the model's arrays fit together.

    Raises:
        CorruptArtifactError: They do not.
    """
    _require(model.format == FORMAT, f"its format is {model.format}, expected {FORMAT}")
    single = model.link != "softmax"
    _require(model.columns > 0 and (model.outputs == 1 if single else model.outputs > 1), f"{model.outputs} outputs for {model.link}")
    _require(bool(np.isfinite(model.base).all()), "its base is not finite")
    for encoding in model.encodings:
        categories = encoding.categories
        _require(0 <= encoding.column < model.columns and _is(categories, "<f8", (len(categories),)), "an encoding of no column")
        _require(bool(np.isfinite(categories).all() and (np.diff(categories) > 0).all()), "categories are not ascending")
    if isinstance(model.body, Forest):
        _check_forest(model, model.body)
    else:
        _check_additive(model, model.body)


def _check_additive(model: CompiledModel, body: Additive) -> None:
    wide = (model.outputs, model.columns)
    for array, shape in ((body.slopes, wide), (body.at_null, wide), (body.means, wide), (body.centers, (model.columns,))):
        _require(_is(array, "<f8", shape) and bool(np.isfinite(array).all()), "terms of another shape, or not finite")
    _require(len(body.tables) == len(model.encodings), "tables and encodings differ")
    for table, encoding in zip(body.tables, model.encodings, strict=True):
        _require(_is(table, "<f8", (model.outputs, encoding.codes)) and bool(np.isfinite(table).all()), "a table of another shape")


def _check_forest(model: CompiledModel, body: Forest) -> None:
    nodes, trees = len(body.inputs), len(body.roots)
    for array in (body.inputs, body.left, body.right, body.set_of):
        _require(_is(array, "<i4", (nodes,)), "node arrays of different lengths")
    for array in (body.thresholds, body.values, body.covers):
        _require(_is(array, "<f8", (nodes,)), "node arrays of different lengths")
    _require(_is(body.null_left, "|b1", (nodes,)) and _is(body.roots, "<i4", (trees,)), "node arrays of different lengths")
    _require(trees > 0 and trees % model.outputs == 0, f"{trees} trees for {model.outputs} outputs")
    _require(bool(np.isfinite(body.values).all() and np.isfinite(body.covers).all() and (body.covers >= 0).all()), "values not finite")
    _require(not np.isnan(body.thresholds).any(), "a threshold is null")
    _check_children(body)
    _check_sets(model, body)


def _check_children(body: Forest) -> None:
    """Every node but the roots is the child of exactly one node before it, of the same tree: so walks are trees, and end."""
    nodes = len(body.inputs)
    inner = np.flatnonzero(body.inputs >= 0)
    children = np.concatenate([body.left[inner], body.right[inner]])
    _require(bool(((children > np.tile(inner, 2)) & (children < nodes)).all()), "a child is not behind its parent")
    reached = np.bincount(np.concatenate([children, body.roots]).clip(-1), minlength=nodes) if (body.roots >= 0).all() else np.zeros(1)
    _require(len(reached) == nodes and bool((reached == 1).all()), "a node has no parent, or two")
    _require(body.roots[0] == 0 and bool((np.diff(body.roots) > 0).all()), "roots are not ascending")
    tree = np.searchsorted(body.roots, np.arange(nodes), side="right")
    _require(bool((tree[children] == tree[np.tile(inner, 2)]).all()), "a child is in another tree")


def _check_sets(model: CompiledModel, body: Forest) -> None:
    total = len(body.sets)
    starts = body.set_starts
    _require(_is(body.sets, "|b1", (total,)) and _is(starts, "<i4", (len(starts),)), "sets of another type")
    _require(bool((np.diff(starts) > 0).all()), "sets are not ascending")
    _require(bool((body.inputs < model.columns + len(model.encodings)).all()), "a node looks at no input")
    coded = body.inputs >= model.columns
    _require(bool(((body.set_of >= 0) == coded).all() and (body.set_of < len(starts)).all()), "a node's set is missing")
    codes = np.array([encoding.codes for encoding in model.encodings], dtype=np.int64)
    firsts = starts[body.set_of[coded]]
    lengths = np.diff(np.append(starts, total))[body.set_of[coded]]
    fits = (lengths == codes[body.inputs[coded] - model.columns]).all()
    _require(bool((firsts >= 0).all() and fits), "a set has another length than its input has codes")


def _is(array: np.ndarray, dtype: str, shape: tuple[int, ...]) -> bool:
    return array.dtype.str == dtype and array.shape == shape


def _require(holds: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise CorruptArtifactError(f"The model contradicts itself: {message}")


def _encode_array(array: object) -> object:
    if not isinstance(array, np.ndarray):
        raise NotImplementedError(f"Expected an array, got {type(array).__name__}")
    ordered = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return [ordered.dtype.str, list(ordered.shape), ordered.tobytes()]


def _decode_array(_type: type, raw: object) -> np.ndarray:
    dtype, shape, body = msgspec.convert(raw, tuple[str, tuple[int, ...], bytes])
    if dtype not in _DTYPES or any(size < 0 for size in shape):
        raise ValueError(f"an array of {dtype} and {shape}")
    return np.frombuffer(body, dtype=dtype).reshape(shape)
