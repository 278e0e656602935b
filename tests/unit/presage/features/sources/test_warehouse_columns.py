"""What a warehouse declares is compared with the dataset before a row is read; what breaks it can be answered."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from presage.errors import InvalidInputError
from presage.features.dataset import Column
from presage.features.schema.model import ColumnChange, ColumnOverride
from presage.features.sources.warehouse import CellKind
from presage.features.sources.warehouse_columns import answer_columns, compare_columns
from tests.fixtures.feature_records import make_dataset
from tests.unit.presage.features.sources.test_warehouse import KINDS, REQUEST

DATASET = make_dataset()


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"cursor_column": "seen_at"}, "unknown_column", "$.cursor_column"),
        ({"cursor_column": "shop"}, "wrong_type", "$.cursor_column"),
        ({"key_column": "amount"}, "wrong_type", "$.key_column"),
        ({"event_timestamp_column": "order_id"}, "wrong_type", "$.event_timestamp_column"),
        ({"since": 7}, "wrong_type", "$.since"),
        ({"columns": {"price": "price"}}, "unknown_column", "$.columns.price"),
    ],
)
def test_a_request_that_names_what_is_not_there_is_refused(changes: dict[str, object], code: str, path: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        compare_columns(replace(REQUEST, **changes), DATASET, KINDS)  # type: ignore[arg-type]
    assert (refusal.value.code, refusal.value.path) == (code, path)


def test_columns_that_are_those_of_the_dataset_are_no_change() -> None:
    assert compare_columns(REQUEST, DATASET, KINDS).changes == ()


@pytest.mark.parametrize(
    ("columns", "found", "change"),
    [
        ({}, {"amount": "string"}, ("amount", "retyped", "number", "string")),
        ({}, {"shop": "integer"}, ("shop", "retyped", "string", "number")),
        ({}, {"returned": "integer"}, ("returned", "retyped", "boolean", "number")),
        ({}, {"amount": "other"}, ("amount", "retyped", "number", "other")),
        ({"amount": "price"}, {}, ("amount", "removed", "number", None)),
        ({"basket": "basket"}, {}, ("basket", "added", None, "other")),
        ({"when": "bought_at"}, {}, ("when", "added", None, "timestamp")),
        ({"Shop": "shop"}, {}, ("Shop", "added", None, "string")),
    ],
)
def test_a_declared_column_that_does_not_fit_breaks_the_schema(
    columns: dict[str, str | None], found: dict[str, CellKind], change: tuple[object, ...]
) -> None:
    (broken,) = compare_columns(replace(REQUEST, columns=columns), DATASET, {**KINDS, **found}).breaking
    assert (broken.column, broken.change, broken.was, broken.now) == change


def test_a_dataset_gets_the_columns_that_are_named_and_lacks_those_that_are_left_out() -> None:
    request = replace(REQUEST, columns={"order": "order_id", "sent_back": "returned", "amount": None})
    found = {name: kind for name, kind in KINDS.items() if name != "amount"}
    comparison = compare_columns(request, DATASET, found)
    assert comparison.new_columns == (Column("order", "number"), Column("sent_back", "boolean"))
    assert comparison.changes[0] == ColumnChange("order", "added", None, "number", True, "the dataset gets it")
    assert not comparison.breaking


@pytest.mark.parametrize(
    ("declared", "columns"),
    [
        ({"amount": ColumnOverride(absent=True)}, {"amount": None}),
        ({"amount": ColumnOverride(ignore=True)}, {"amount": None}),
        ({"amount": ColumnOverride(into="amount_text")}, {"amount": None, "amount_text": "total"}),
        ({"price": ColumnOverride(into="amount")}, {"price": None, "amount": "price"}),
        (
            {"amount": ColumnOverride(into="old"), "price": ColumnOverride(into="amount")},
            {"amount": "price", "price": None, "old": "total"},
        ),
    ],
)
def test_what_is_declared_says_which_column_is_read(declared: Mapping[str, ColumnOverride], columns: dict[str, object]) -> None:
    assert answer_columns({"amount": "total", "shop": None}, declared) == {"shop": None, **columns}


def test_a_cast_is_left_to_a_query() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        answer_columns({}, {"amount": ColumnOverride(type="number")})
    assert refusal.value.path == "$.columns.amount.type"
