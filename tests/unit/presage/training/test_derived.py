"""Derived features: the same bits by every way that rows take, and those that the book says."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from struct import pack

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presage.errors import CorruptArtifactError
from presage.features.dataset import Column, Dataset
from presage.predictions.layout import FeatureLayout
from presage.spark.columnar.derived import add_derived
from presage.spark.derived import _Derive
from presage.training.artifact import ModelArtifact
from presage.training.derived import Program, list_categories, order_columns
from presage.training.expressions import Type, check_derived
from presage.training.operators import compute_log1p
from presage.training.recipe import Recipe, compute_training_set_id, decode_recipe, encode_recipe, from_microseconds
from presage.training.spec import (
    DerivedFeature,
    Expression,
    Feature,
    FeatureView,
    Label,
    ModelSpec,
    Observations,
    feature_columns,
    item_columns,
    view_columns,
)
from tests.fixtures.expressions import NUMBERS, Maker, evaluate
from tests.fixtures.serving import PROVEN, RANKING

OWN = FeatureView(
    "own",
    "orders",
    (
        Feature("n", "count"),
        Feature("price", "latest", "price"),
        Feature("gift", "latest", "gift"),
        Feature("shop", "latest", "shop", categories=("north", "south", "web")),
        Feature("since", "days_since_last"),
    ),
)
SPEC = ModelSpec("classification", Observations("orders"), Label("orders", 5), (OWN,))
TYPES: dict[str, Type] = dict(zip(view_columns(SPEC), ("number", "number", "boolean", "category", "number"), strict=True))
COLUMNS = (Column("price", "number"), Column("gift", "boolean"), Column("shop", "string"))
DATASETS = {"orders": Dataset("ws_1", "ds_1", "orders", "customer", COLUMNS, datetime(2026, 1, 1, tzinfo=UTC))}
AT_US = 1_770_000_000_123_457  # 2026-02-02T02:40:00.123457Z, a Monday
FLOATS = st.one_of(st.sampled_from([*NUMBERS, math.nan, math.inf, -math.inf]), st.floats())


def derive(*expressions: Expression) -> ModelSpec:
    return replace(SPEC, derived=tuple(DerivedFeature(f"d{place}", each) for place, each in enumerate(expressions)))


def compute(expression: Expression, **row: float) -> float:
    """Return what the expression is worth in a row; columns that are not named are missing."""
    program = Program(derive(expression))
    values = {f"own__{name}": value for name, value in row.items()}
    ((found,),) = program.run([[values.get(name)] for name in program.needed], [AT_US])
    return found


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.tuples(*[FLOATS] * 5), min_size=1, max_size=4), st.integers(0, 4 * 10**15))
def test_random_expressions_have_the_same_bits_in_training_and_online(
    random_: random.Random, rows: list[tuple[float, ...]], at_us: int
) -> None:
    values = [(n, price, random_.choice((0.0, 1.0, math.nan)), random_.choice((0.0, 1.0, 2.0, 3.0, math.nan)), since)
              for n, price, _, _, since in rows]  # fmt: skip
    spec = replace(SPEC, derived=Maker(random_, TYPES, list_categories(SPEC)).make_derived(6))
    check_derived(spec, DATASETS)
    names = [f"derived__{derived.name}" for derived in spec.derived]
    program = Program(spec)

    vectors = np.full((len(rows), len(feature_columns(spec))), 0.1)
    vectors[:, :5] = values
    _lay_out(spec).derive(vectors, from_microseconds(at_us))
    table = pa.table(
        {name: pa.array(column, mask=np.isnan(column)) for name, column in zip(view_columns(spec), np.array(values).T, strict=True)}
        | {"at_us": pa.array([at_us] * len(rows))}
    )
    by_columns = add_derived(table, spec)
    in_sql = _Derive(spec)

    for place, row in enumerate(values):
        by_name: dict[str, float | None] = dict(zip(view_columns(spec), row, strict=True))
        expressions = {f"derived__{derived.name}": derived.expression for derived in spec.derived}
        for name in order_columns(expressions):
            by_name[name] = evaluate(expressions[name], by_name, at_us, list_categories(spec))
        book = to_bits([by_name[name] for name in names])
        assert to_bits(vectors[place, 5:].tolist()) == book
        assert to_bits([by_columns[name][place].as_py() for name in names]) == book
        assert to_bits(in_sql(at_us, [None if math.isnan(by) else by for by in map(by_name.get, program.needed)])) == book  # type: ignore[arg-type]


def to_bits(values: list[float | None]) -> bytes:
    """Return the bytes of numbers as a model gets them, null as NaN."""
    return b"".join(pack("<d", math.nan if value is None else value) for value in values)


def _lay_out(spec: ModelSpec) -> FeatureLayout:
    return FeatureLayout(ModelArtifact(2, "m", 1, spec, feature_columns(spec), ("0", "1"), ("0",), "k", "s", PROVEN, "ts"))


@pytest.mark.parametrize(
    ("expression", "row", "expected"),
    [
        (Expression("ratio", ("own__price", "own__n")), {"price": 1.0, "n": 3.0}, 1 / 3),
        (Expression("ratio", ("own__price", "own__n")), {"price": 1.0, "n": 0.0}, None),
        (Expression("ratio", ("own__price", "own__n")), {"price": 1.0, "n": -0.0}, None),
        (Expression("ratio", ("own__price", "own__n")), {"n": 3.0}, None),
        (Expression("multiply", ("own__price", 1e308)), {"price": 100.0}, None),
        (Expression("add", ("own__price", 0.0)), {"price": math.inf}, None),
        (Expression("subtract", ("own__price", "own__n")), {"price": 1.0, "n": 3.0}, -2.0),
        (Expression("multiply", ("own__price", 0.0)), {"price": -1.0}, -0.0),
        (Expression("log1p", ("own__price",)), {"price": -0.0}, -0.0),
        (Expression("log1p", ("own__price",)), {"price": -1.0}, None),
        (Expression("clip", ("own__price",), least=0.0, greatest=9.0), {"price": 10.0}, 9.0),
        (Expression("clip", ("own__price",), least=0.0, greatest=9.0), {"price": -1.0}, 0.0),
        (Expression("clip", ("own__price",), least=0.0), {}, None),
        (Expression("bucketise", ("own__price",), values=(1.0, 5.0)), {"price": 5.0}, 2.0),
        (Expression("bucketise", ("own__price",), values=(1.0, 5.0)), {"price": 0.9}, 0.0),
        (Expression("hash_bucket", ("own__price",), buckets=10), {"price": 0.0}, 3.0),
        (Expression("hash_bucket", ("own__price",), buckets=10), {"price": -0.0}, 3.0),
        (Expression("less", ("own__price", 1.0)), {"price": 0.5}, 1.0),
        (Expression("equal", ("own__price", 0.0)), {"price": -0.0}, 1.0),
        (Expression("and", ("own__gift", False)), {}, None),
        (Expression("or", ("own__gift", True)), {"gift": 0.0}, 1.0),
        (Expression("not", ("own__gift",)), {"gift": 0.0}, 1.0),
        (Expression("is_missing", ("own__price",)), {}, 1.0),
        (Expression("is_missing", ("own__price",)), {"price": 0.0}, 0.0),
        (Expression("coalesce", ("own__price", 7.0)), {}, 7.0),
        (Expression("if", ("own__gift", 1.0, "own__price")), {"gift": 1.0}, 1.0),
        (Expression("if", ("own__gift", 1.0, "own__price")), {"gift": 0.0}, None),
        (Expression("if", ("own__gift", 1.0, 2.0)), {}, None),
        (Expression("one_of", ("own__shop",), values=("web", "north")), {"shop": 2.0}, 1.0),
        (Expression("one_of", ("own__shop",), values=("web", "north")), {"shop": 3.0}, 0.0),
        (Expression("one_of", ("own__shop",), values=("web",)), {}, None),
        (Expression("lookup", ("own__shop",), values=("web", "south"), results=(0.5, 0.25)), {"shop": 1.0}, 0.25),
        (Expression("lookup", ("own__shop",), values=("web", "south"), results=(0.5, 0.25)), {"shop": 0.0}, None),
        (Expression("lookup", ("own__n",), values=(2.0,), results=(0.5,)), {"n": 2.0}, 0.5),
        (Expression("time_part", part="hour"), {}, 2.0),
        (Expression("time_part", part="weekday"), {}, 0.0),
        (Expression("time_part", part="day"), {}, 2.0),
        (Expression("time_part", ("own__price",), part="month"), {"price": -1.0}, 12.0),
        (Expression("time_part", ("own__price",), part="month"), {"price": 1e11 * 9}, None),
        (Expression("time_part", ("own__price",), part="hour"), {"price": 1e300}, None),
        (Expression("seconds_since", ("own__price",)), {"price": 1_769_999_999.0}, 1_770_000_000.123457 - 1_769_999_999.0),
    ],
)
def test_an_operator_is_worth_what_it_says(expression: Expression, row: dict[str, float], expected: float | None) -> None:
    check_derived(derive(expression), DATASETS)
    assert to_bits([compute(expression, **row)]) == to_bits([expected])


def test_the_logarithm_is_right_to_two_units_in_the_last_place() -> None:
    random_ = random.Random(1)
    values = [random_.uniform(-1, 1) for _ in range(2_000)] + [10 ** random_.uniform(-300, 300) for _ in range(2_000)]
    values += [-(10 ** random_.uniform(-20, -0.001)) for _ in range(1_000)]
    for value in values:
        assert abs(compute_log1p(value) - math.log1p(value)) <= 2 * math.ulp(math.log1p(value)), value


def test_derived_columns_stand_behind_those_of_views_and_follow_the_items() -> None:
    expressions = {"share": Expression("ratio", ("films__taken", "derived__both")), "both": Expression("add", ("orders__n", "films__mean"))}
    plain = DerivedFeature("plain", Expression("log1p", ("orders__n",)))
    spec = replace(RANKING, derived=(*[DerivedFeature(*pair) for pair in expressions.items()], plain))
    assert feature_columns(spec) == (*view_columns(spec), "derived__share", "derived__both", "derived__plain")
    assert item_columns(spec) == ("films__taken", "films__mean", "derived__share", "derived__both")


def test_a_recipe_holds_expressions_and_keeps_its_id_without_any() -> None:
    recipe = Recipe("ws_1", SPEC, {}, 0)
    nested = Expression("if", ("own__gift", 1.0, Expression("lookup", ("own__shop",), values=("web",), results=(2.0,))))
    with_derived = replace(recipe, spec=derive(nested))
    assert decode_recipe(encode_recipe(with_derived)) == with_derived
    assert b"derived" not in encode_recipe(recipe)
    assert b"categories" not in encode_recipe(replace(recipe, spec=replace(SPEC, feature_views=(replace(OWN, features=OWN.features[:3]),))))
    assert compute_training_set_id(with_derived) != compute_training_set_id(recipe)


@pytest.mark.parametrize(
    ("expressions", "message"),
    [
        ((Expression("absolute", ("derived__d1",)), Expression("absolute", ("derived__d0",))), "made of each other"),
        ((Expression("absolute", ("own__none",)),), "not there: \\['own__none'\\]"),
    ],
)
def test_a_program_of_what_was_never_validated_is_refused(expressions: tuple[Expression, ...], message: str) -> None:
    with pytest.raises(CorruptArtifactError, match=message):
        Program(derive(*expressions))
