"""Expressions that cannot be computed are refused at their place, with what was expected."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from presage.errors import InvalidInputError
from presage.features.dataset import Column, Dataset
from presage.training.expressions import MOST_DEPTH, MOST_DERIVED, MOST_OPERATORS
from presage.training.spec import DERIVED, DerivedFeature, Expression, Feature, FeatureView, Label, ModelSpec, Observations
from presage.training.validation import validate_spec
from tests.fixtures.training import RANKING

COLUMNS = (Column("item", "string"), Column("price", "number"), Column("gift", "boolean"))
DATASETS = {"orders": Dataset("ws_1", "ds_1", "orders", "customer", COLUMNS, datetime(2024, 1, 1, tzinfo=UTC))}
FEATURES = (
    Feature("n", "count"),
    Feature("spent", "sum", "price"),
    Feature("gift", "latest", "gift"),
    Feature("item", "latest", "item", categories=("tea", "cup")),
)
OWN = FeatureView("own", "orders", FEATURES)
SPEC = ModelSpec("classification", Observations("orders"), Label("orders", 7), (OWN,))


def derive(*expressions: Expression) -> ModelSpec:
    return replace(SPEC, derived=tuple(DerivedFeature(f"d{place}", each) for place, each in enumerate(expressions)))


def nest(levels: int) -> Expression:
    expression = Expression("log1p", ("own__n",))
    for _ in range(levels - 1):
        expression = Expression("log1p", (expression,))
    return expression


def widen(operators: int) -> Expression:
    leaves = [Expression("log1p", ("own__n",)) for _ in range(8)]
    rows = [Expression("add", tuple(leaves)) for _ in range(operators // 9)]
    return Expression("add", tuple(rows))


@pytest.mark.parametrize(
    "spec",
    [
        derive(Expression("ratio", ("own__spent", "own__n")), Expression("log1p", ("derived__d0",))),
        derive(Expression("log1p", ("derived__d1",)), Expression("ratio", ("own__spent", "own__n"))),
        derive(Expression("if", (Expression("one_of", ("own__item",), values=("tea",)), "own__gift", False))),
        derive(Expression("coalesce", ("own__gift", True)), Expression("equal", ("own__gift", "derived__d0"))),
        derive(nest(MOST_DEPTH)),
        replace(RANKING, derived=(DerivedFeature("share", Expression("ratio", ("items__sold", "people__orders"))),)),
        replace(derive(Expression("log1p", ("own__n",))), segment_by="derived__d0"),
    ],
)
def test_whole_expressions_pass(spec: ModelSpec) -> None:
    validate_spec(spec, DATASETS)


FIRST = "$.derived[0].expression"


@pytest.mark.parametrize(
    ("expression", "path", "message"),
    [
        (Expression("add", ("own__n", "own__none")), f"{FIRST}.of[1]", "there is no feature 'own__none'; there are: own__n, own__spent"),
        (Expression("add", ("own__n", "derived__d9")), f"{FIRST}.of[1]", "there is no feature 'derived__d9'"),
        (Expression("add", ("own__n", "own__gift")), f"{FIRST}.of[1]", "'add' takes a number, got a boolean"),
        (Expression("log1p", ("own__item",)), f"{FIRST}.of[0]", "'log1p' takes a number, got a category"),
        (Expression("and", ("own__gift", 1.0)), f"{FIRST}.of[1]", "'and' takes a boolean, got a number"),
        (Expression("not", (Expression("add", (1.0, 2.0)),)), f"{FIRST}.of[0]", "'not' takes a boolean, got a number"),
        (Expression("add", (1.0, Expression("not", (1.0,)))), f"{FIRST}.of[1].of[0]", "'not' takes a boolean, got a number"),
        (Expression("coalesce", ("own__n", "own__gift")), f"{FIRST}.of[1]", "'coalesce' takes a number here, got a boolean"),
        (Expression("coalesce", ("own__item", "own__item")), f"{FIRST}.of[0]", "'coalesce' takes a number or boolean, got a category"),
        (Expression("equal", ("own__gift", 1.0)), f"{FIRST}.of[1]", "'equal' takes a boolean here, got a number"),
        (Expression("if", ("own__n", 1.0, 2.0)), f"{FIRST}.of[0]", "'if' takes a boolean, got a number"),
        (Expression("if", ("own__gift", 1.0, True)), f"{FIRST}.of[2]", "'if' takes a number here, got a boolean"),
        (Expression("ratio", ("own__n",)), f"{FIRST}.of", "'ratio' has 1 operands, expected 2"),
        (Expression("add", ("own__n",)), f"{FIRST}.of", "'add' has 1 operands, expected 2 to 8"),
        (Expression("log1p", (float("inf"),)), f"{FIRST}.of[0]", "inf is no finite number"),
        (Expression("ratio", ("own__n", 1.0), buckets=3), f"{FIRST}.buckets", "'ratio' has no buckets"),
        (Expression("bucketise", ("own__n",)), f"{FIRST}.values", "'bucketise' needs values"),
        (Expression("bucketise", ("own__n",), values=(2.0, 1.0)), f"{FIRST}.values", "must ascend"),
        (Expression("bucketise", ("own__n",), values=("tea",)), f"{FIRST}.values[0]", "'tea' is no number"),
        (Expression("one_of", ("own__n",), values=()), f"{FIRST}.values", "there are 0 values, expected 1 to 1000"),
        (Expression("one_of", ("own__n",), values=(1.0, 1.0)), f"{FIRST}.values", "there twice"),
        (
            Expression("one_of", ("own__item",), values=("tea", "pot")),
            f"{FIRST}.values[1]",
            "'pot' is no category of 'own__item'; there are: tea",
        ),
        (Expression("lookup", ("own__item",), values=("tea",), results=(1.0, 2.0)), f"{FIRST}.results", "2 results for 1 values"),
        (Expression("lookup", ("own__item",), values=("tea",)), f"{FIRST}.results", "'lookup' needs results"),
        (Expression("hash_bucket", ("own__n",), buckets=1), f"{FIRST}.buckets", "1 buckets, expected 2 to 1000000"),
        (Expression("clip", ("own__n",)), FIRST, "needs least, greatest, or both"),
        (Expression("clip", ("own__n",), least=2.0, greatest=1.0), f"{FIRST}.least", "least is 2.0, greatest only 1.0"),
        (Expression("time_part"), f"{FIRST}.part", "'time_part' needs part"),
        (Expression("absolute", ("derived__d0",)), f"{FIRST}.of[0]", "derived features are made of each other: derived__d0 -> derived__d0"),
        (nest(MOST_DEPTH + 1), FIRST + ".of[0]" * MOST_DEPTH, f"nested too deeply: at most {MOST_DEPTH} levels"),
        (widen(MOST_OPERATORS + 10), FIRST, "the expression has 55 operators, expected at most 50"),
    ],
)
def test_what_cannot_be_computed_is_refused_at_its_place(expression: Expression, path: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)) as caught:
        validate_spec(derive(expression), DATASETS)
    assert caught.value.path == path


def test_a_circle_is_told_whole() -> None:
    spec = derive(Expression("absolute", ("derived__d1",)), Expression("add", (1.0, "derived__d2")), Expression("log1p", ("derived__d0",)))
    with pytest.raises(InvalidInputError, match="derived__d0 -> derived__d1 -> derived__d2 -> derived__d0") as caught:
        validate_spec(spec, DATASETS)
    assert caught.value.path == "$.derived[2].expression.of[0]"


def test_what_is_nested_a_thousand_times_is_refused_and_no_crash() -> None:
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        validate_spec(derive(nest(1_000)), DATASETS)


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (derive(*[Expression("log1p", ("own__n",))] * (MOST_DERIVED + 1)), "$.derived", "there are 51 derived features"),
        (replace(SPEC, derived=(DerivedFeature("a__b", nest(1)),)), "$.derived[0].name", "single underscores"),
        (replace(SPEC, derived=(DerivedFeature("a", nest(1)), DerivedFeature("a", nest(1)))), "$.derived[1].name", "used twice"),
        (
            replace(derive(nest(1)), feature_views=(OWN, replace(OWN, name=DERIVED))),
            "$.feature_views[1].name",
            "the name 'derived' is that of derived features",
        ),
        (
            replace(RANKING, list_length=100, candidates=replace(RANKING.candidates, limit=100),  # type: ignore[type-var]
                    derived=tuple(DerivedFeature(f"d{n}", Expression("log1p", ("items__sold",))) for n in range(20))),
            "$.list_length",
            "list_length times the features of items is 2100",
        ),
        *[
            (replace(SPEC, feature_views=(replace(OWN, features=(feature,)),)), f"$.feature_views[0].features[0].{place}", message)
            for feature, place, message in (
                (Feature("a", "count", "item", categories=("tea",)), "categories", "only the latest of a column"),
                (Feature("a", "latest", categories=("tea",)), "categories", "only the latest of a column"),
                (Feature("a", "latest", "price", categories=("tea",)), "column", "is a number, expected string"),
                (Feature("a", "latest", "item", categories=()), "categories", "the number of categories is 0"),
                (Feature("a", "latest", "item", categories=("tea", "tea")), "categories[1]", "is there once"),
                (Feature("a", "latest", "item", categories=("",)), "categories[0]", "1 to 256 characters"),
            )
        ],
    ],
)  # fmt: skip
def test_what_is_declared_wrongly_is_refused_at_its_place(spec: ModelSpec, path: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)) as caught:
        validate_spec(spec, DATASETS)
    assert caught.value.path == path
