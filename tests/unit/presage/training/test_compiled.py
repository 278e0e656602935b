"""A compiled model's bytes come back as they were, and damaged ones are refused before anything runs them."""

from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from presage.errors import CorruptArtifactError
from presage.training.compiled import Additive, CompiledModel, Encoding, Forest, check_compiled, decode_compiled, encode_compiled

CATEGORIES = np.array([1.0, 2.5, 7.0])


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype="<i4")


def build_forest() -> CompiledModel:
    """A stump on a number, and a tree that asks for a category and then for a number."""
    forest = Forest(
        roots=ints(0, 3),
        inputs=ints(0, -1, -1, 2, -1, 1, -1, -1),
        thresholds=np.array([0.5, 0, 0, 0, 0, -1.0, 0, 0]),
        null_left=np.array([True, False, False, False, False, False, False, False]),
        set_of=ints(-1, -1, -1, 0, -1, -1, -1, -1),
        left=ints(1, -1, -1, 4, -1, 6, -1, -1),
        right=ints(2, -1, -1, 5, -1, 7, -1, -1),
        values=np.array([0, 1.0, 2.0, 0, 10.0, 0, 20.0, 30.0]),
        covers=np.array([10.0, 4, 6, 10, 2, 8, 3, 5]),
        sets=np.array([True, False, False, False, True]),
        set_starts=ints(0),
    )
    return CompiledModel(1, 2, "identity", (0.0,), (Encoding(1, CATEGORIES),), forest)


def build_additive() -> CompiledModel:
    zeros = np.zeros((2, 2))
    return CompiledModel(1, 2, "softmax", (0.0, 1.0), (), Additive(zeros, np.zeros(2), zeros, (), zeros))


@pytest.mark.parametrize("model", [build_forest(), build_additive()])
def test_a_model_comes_back_as_it_was(model: CompiledModel) -> None:
    found = decode_compiled(encode_compiled(model))
    assert encode_compiled(found) == encode_compiled(model)
    assert (found.link, found.base, found.outputs, found.width) == (model.link, model.base, model.outputs, model.width)
    for name in model.body.__struct_fields__:
        np.testing.assert_array_equal(getattr(found.body, name), getattr(model.body, name))


def test_codes_name_the_category_or_that_it_is_none_or_null() -> None:
    values = np.array([7.0, 1.0, 2.5, 2.4, 8.0, -1.0, np.nan])
    assert Encoding(0, CATEGORIES).encode(values).tolist() == [2, 0, 1, 3, 3, 3, 4]
    assert [Encoding(0, CATEGORIES).encode_one(value) for value in values.tolist()] == [2, 0, 1, 3, 3, 3, 4]
    assert Encoding(0, np.zeros(0)).encode(values).tolist() == [0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x80\x05K\x01.",  # a pickle of 1
        msgspec.msgpack.encode({"format": 1}),
        encode_compiled(build_forest())[:-1],
        encode_compiled(build_forest()).replace(b"<f8", b"|O8"),
        encode_compiled(build_forest()).replace(b"forest", b"others"),
    ],
)
def test_what_is_no_model_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        decode_compiled(body)


@pytest.mark.parametrize(
    "changes",
    [
        {"left": ints(1, -1, -1, 3, -1, 6, -1, -1)},  # its own child
        {"left": ints(2, -1, -1, 4, -1, 6, -1, -1)},  # a child twice, another one never
        {"left": ints(1, -1, -1, 4, -1, 99, -1, -1)},
        {"left": ints(1, -1, -1, 4, -1, -7, -1, -1)},
        {"right": ints(4, -1, -1, 2, -1, 7, -1, -1)},
        {"left": ints(4, -1, -1, 1, -1, 6, -1, -1)},  # children of another tree
        {"roots": ints(3, 0)},
        {"roots": ints(0, -5)},
        {"roots": ints()},
        {"inputs": ints(3, -1, -1, 2, -1, 1, -1, -1)},
        {"inputs": ints(0, -1, -1, 1, -1, 1, -1, -1)},  # a number with a set
        {"set_of": ints(-1, -1, -1, -1, -1, -1, -1, -1)},
        {"set_of": ints(-1, -1, -1, 1, -1, -1, -1, -1)},
        {"sets": np.array([True, False])},
        {"set_starts": ints(1)},
        {"set_starts": ints()},
        {"values": np.full(8, np.nan)},
        {"covers": np.full(8, -1.0)},
        {"thresholds": np.full(8, np.nan)},
        {"thresholds": np.zeros(7)},
        {"left": np.zeros(8)},
    ],
)
def test_a_forest_in_which_an_index_leads_astray_is_refused(changes: dict[str, Any]) -> None:
    model = build_forest()
    with pytest.raises(CorruptArtifactError, match="contradicts itself"):
        check_compiled(replace(model, body=replace(model.body, **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"columns": 3},
        {"link": "identity"},
        {"base": (0.0,)},
        {"base": (0.0, float("inf"))},
        {"encodings": (Encoding(0, CATEGORIES),)},
        {"encodings": (Encoding(2, CATEGORIES),)},
        {"encodings": (Encoding(0, CATEGORIES[::-1].copy()),)},
        {"body": replace(build_additive().body, slopes=np.full((2, 2), np.nan))},
        {"body": replace(build_additive().body, tables=(np.zeros((2, 5)),))},
    ],
)
def test_a_model_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CorruptArtifactError, match="contradicts itself"):
        check_compiled(replace(build_additive(), **changes))
