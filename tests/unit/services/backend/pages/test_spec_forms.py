"""What a form says becomes a specification that can be built, and faults of that come back to the form's fields."""

from typing import Any, cast

import pytest

from demo.cdnow import build_scenario as build_cdnow
from presage.errors import InvalidInputError
from presage.features.dataset import Column, ColumnType, Dataset
from presage.training.spec import Kind
from presage.training.validation import validate_spec
from services.backend.pages.proposals import Question, list_frequent, propose_default, propose_rows
from services.backend.pages.spec_forms import FeatureRow, ModelForm, build_spec, locate_fault, make_name, read_default
from tests.fixtures.metadata_rows import NOW


def make(name: str, entity: str, **columns: ColumnType) -> Dataset:
    return Dataset("ws_1", f"ds_{name}", name, entity, tuple(Column(each, kind) for each, kind in columns.items()), NOW)


ORDERS = make("orders", "customer", spent="number", gift="boolean", shop="string")
BASKETS = make("baskets", "customer", discs="number")
RATINGS = make("ratings", "user", movie="string", stars="number")
MOVIES = make("movies", "movie", year="number")
DATASETS = {each.name: each for each in (ORDERS, BASKETS, RATINGS, MOVIES)}
SUMMARY = {"columns": [{"name": "movie", "top_values": [{"value": "m1", "count": 9}, {"value": "m2", "count": 3}]}]}
BASE = ModelForm("again", "classification", "orders", "orders", 30, "0")
KINDS: dict[Kind, ModelForm] = {
    "classification": BASE,
    "regression": ModelForm("much", "regression", "orders", "orders", 30, "0", aggregate="sum", value_column="spent"),
    "ranking": ModelForm("next", "ranking", "ratings", "ratings", 7, "m1\nm2", item_column="movie", list_length=5),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_proposed_can_be_built(kind: Kind) -> None:
    form = KINDS[kind]
    question = Question(kind, DATASETS[form.observations], DATASETS[form.label])

    drafted = build_spec(form, propose_rows(question, list(DATASETS.values())), DATASETS, lambda *_: ())

    validate_spec(drafted.spec, DATASETS)
    assert drafted.spec.kind == kind


def test_customers_are_described_by_all_that_is_of_customers() -> None:
    rows = propose_rows(Question("classification", ORDERS, ORDERS), list(DATASETS.values()))

    assert {row.dataset for row in rows} == {"orders", "baskets"}
    assert {(row.function, row.source, row.window_days) for row in rows} >= {
        ("count", "orders/", None), ("count", "orders/", 30), ("sum", "orders/spent", None), ("mean", "orders/gift", None),
        ("days_since_last", "baskets/", None), ("mean", "baskets/discs", None),
    }  # fmt: skip


def test_items_are_joined_by_the_column_that_names_them_or_as_entities() -> None:
    form = KINDS["ranking"]
    rows = propose_rows(Question("ranking", RATINGS, RATINGS), list(DATASETS.values()))

    views = {(view.name, view.join, view.key_column) for view in build_spec(form, rows, DATASETS, lambda *_: ()).spec.feature_views}

    assert views == {("ratings", "entity", "entity_id"), ("ratings_of_item", "item", "movie"), ("movies_of_item", "item", "entity_id")}


def test_the_form_says_what_the_demo_says() -> None:
    wanted = cast("dict[str, Any]", build_cdnow("CDNOW_sample.txt").model["spec"])
    lines = [
        ("count", "orders/"),
        ("sum", "orders/spent"),
        ("mean", "orders/spent"),
        ("days_since_first", "orders/"),
        ("sum", "baskets/discs"),
    ]
    rows = [FeatureRow(number, function, source) for number, (function, source) in enumerate(lines)]  # type: ignore[arg-type] # literals

    spec = build_spec(ModelForm("again", "classification", "orders", "orders", 90, "0"), rows, DATASETS, lambda *_: ()).spec

    assert (spec.observations.dataset, spec.label.dataset, spec.label.window_days) == ("orders", "orders", 90)
    ours = {(view.dataset, each.function, each.column) for view in spec.feature_views for each in view.features}
    theirs = {(view["dataset"], each["function"], each.get("column")) for view in wanted["feature_views"] for each in view["features"]}
    assert ours <= theirs


@pytest.mark.parametrize(
    ("row", "number"),
    [
        (FeatureRow(3, "sum", "orders/shop"), 3),
        (FeatureRow(5, "mean", "orders/"), 5),
        (FeatureRow(2, "count", "orders/gone"), 2),
        (FeatureRow(2, "count", "orders/", window_days=99_999), 2),
        (FeatureRow(4, "count", "orders/", "item"), 4),
    ],
)
def test_a_fault_of_a_feature_is_at_its_line(row: FeatureRow, number: int) -> None:
    drafted = build_spec(BASE, [FeatureRow(0, "count", "orders/"), row], DATASETS, lambda *_: ())

    with pytest.raises(InvalidInputError) as raised:
        validate_spec(drafted.spec, DATASETS)

    told = InvalidInputError(str(raised.value), path=f"$.spec{(raised.value.path or '$')[1:]}")
    assert locate_fault(told, drafted.rows).path == f"$.row-{number}"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("$.spec.label.window_days", "window_days"),
        ("$.spec.label.dataset", "label"),
        ("$.spec.candidates.limit", "candidates"),
        ("$.spec.list_length", "list_length"),
        ("$.spec.feature_views", "row-0"),
        ("$.default", "default"),
        ("$.name", "name"),
    ],
)
def test_a_fault_is_at_the_field_that_it_is_of(path: str, field: str) -> None:
    assert locate_fault(InvalidInputError("wrong", path=path), {}).path == f"$.{field}"


def test_who_is_asked_about_and_what_is_told_are_of_one_entity() -> None:
    with pytest.raises(InvalidInputError, match="ratings is of each user") as raised:
        build_spec(ModelForm("a", "classification", "ratings", "orders", 30, "0"), [], DATASETS, lambda *_: ())
    assert raised.value.path == "$.label"
    with pytest.raises(InvalidInputError) as raised:
        build_spec(BASE, [FeatureRow(7, "count", "movies/")], DATASETS, lambda *_: ())
    assert raised.value.path == "$.row-7"


def test_texts_are_told_by_the_values_that_they_often_have() -> None:
    rows = [FeatureRow(1, "latest", "orders/shop")]
    drafted = build_spec(BASE, rows, DATASETS, lambda dataset, column: (dataset.name, column))
    assert drafted.spec.feature_views[0].features[0].categories == ("orders", "shop")
    validate_spec(drafted.spec, DATASETS)
    with pytest.raises(InvalidInputError, match="wait for the dataset's statistics") as raised:
        build_spec(BASE, rows, DATASETS, lambda *_: ())
    assert raised.value.path == "$.row-1"


def test_the_default_is_of_the_kind() -> None:
    assert read_default(BASE) == "0"
    assert read_default(KINDS["regression"]) == 0.0
    assert read_default(KINDS["ranking"]) == ("m1", "m2")
    with pytest.raises(InvalidInputError) as raised:
        read_default(ModelForm("a", "regression", "orders", "orders", 30, "much"))
    assert raised.value.path == "$.default"


def test_a_ranking_begins_with_what_is_frequent() -> None:
    assert propose_default(Question("ranking", RATINGS, RATINGS), lambda _: SUMMARY) == "m1\nm2"
    assert propose_default(Question("ranking", RATINGS, RATINGS), lambda _: None) == ""
    assert list_frequent(SUMMARY, "stars") == ()


@pytest.mark.parametrize(("text", "name"), [("Web-Shop__2", "web_shop_2"), ("2nd", "c_2nd"), ("__", "c"), ("Ü", "c")])
def test_names_of_columns_become_names_of_features(text: str, name: str) -> None:
    assert make_name(text) == name
