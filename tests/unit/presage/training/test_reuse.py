from collections.abc import Callable
from dataclasses import replace

import pytest

from presage.errors import CorruptArtifactError
from presage.training.recipe import InputPart, Recipe
from presage.training.reuse import PreviousSnapshot, decode_previous, encode_previous, find_obstacle, list_fresh
from tests.fixtures.training import build_ranking_recipe

OLD = build_ranking_recipe()
(ORDERS,) = OLD.datasets.values()
NEW_PART = InputPart("b.parquet", "1" * 64, 3)


def with_orders(**changes: object) -> Recipe:
    return replace(OLD, datasets={"orders": replace(ORDERS, **changes)})  # type: ignore[arg-type] # of a dataset


GROWN = replace(with_orders(version=4, parts=(NEW_PART, *ORDERS.parts)), cutoff_us=OLD.cutoff_us + 1)


def test_a_dataset_that_grew_is_no_obstacle_and_its_new_parts_are_what_is_fresh() -> None:
    assert find_obstacle(OLD, GROWN) is None
    assert list_fresh(OLD, GROWN)["orders"].parts == (NEW_PART,)
    assert list_fresh(OLD, OLD)["orders"].parts == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: replace(OLD, code_version=9), "code version"),
        (lambda: replace(OLD, spec=replace(OLD.spec, feature_views=OLD.spec.feature_views[:1])), "feature views"),
        (lambda: replace(OLD, spec=replace(OLD.spec, candidates=None)), "feature views or candidates"),
        (lambda: replace(OLD, cutoff_us=OLD.cutoff_us - 1), "later time"),
        (lambda: with_orders(dataset_id="ds_2"), "another"),
        (lambda: with_orders(columns={"item": "string"}), "other columns"),
        (lambda: with_orders(parts=(NEW_PART,)), "lacks parts"),
        (lambda: with_orders(parts=(replace(ORDERS.parts[0], sha256="f" * 64),)), "lacks parts"),
    ],
)
def test_what_would_give_other_values_is_an_obstacle(change: Callable[[], Recipe], words: str) -> None:
    assert words in (find_obstacle(OLD, change()) or "")


def test_the_label_and_the_kind_of_model_are_none() -> None:
    assert find_obstacle(OLD, replace(OLD, spec=replace(OLD.spec, list_length=7))) is None


def test_a_previous_snapshot_is_read_as_it_was_written() -> None:
    previous = PreviousSnapshot("a/", "r.json")
    assert decode_previous(encode_previous(previous)) == previous


@pytest.mark.parametrize("body", [b"", b"[]", b'{"prefix":"a"}', b'{"prefix":"a","recipe_key":"b","more":1}'])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        decode_previous(body)
