from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from presage.errors import InvalidInputError
from presage.features.dataset import Column, Dataset
from presage.training.spec import Candidates, Feature, FeatureView, Label, ModelSpec, Observations, Training
from presage.training.validation import validate_spec
from tests.fixtures.training import CLASSIFICATION, ITEMS, MULTICLASS, PEOPLE, RANKING, REGRESSION

COLUMNS = (Column("item", "string"), Column("price", "number"), Column("gift", "boolean"))
DATASETS = {"orders": Dataset("ws_1", "ds_1", "orders", "customer", COLUMNS, datetime(2024, 1, 1, tzinfo=UTC))}

CANDIDATES = Candidates("orders", "item")


def with_feature(*features: Feature) -> ModelSpec:
    return replace(CLASSIFICATION, feature_views=(replace(PEOPLE, features=features),))


def test_whole_specifications_pass() -> None:
    validate_spec(RANKING, DATASETS)
    validate_spec(CLASSIFICATION, DATASETS)
    validate_spec(MULTICLASS, DATASETS)
    validate_spec(REGRESSION, DATASETS)
    validate_spec(replace(REGRESSION, label=Label("orders", 7, aggregate="count")), DATASETS)
    validate_spec(replace(RANKING, training=Training(trials=9, seconds=60), segment_by="people__orders"), DATASETS)
    validate_spec(
        with_feature(Feature("spent", "sum", "price", 30), Feature("gifts", "mean", "gift"), Feature("i", "count", "item")), DATASETS
    )


@pytest.mark.parametrize(
    ("spec", "path", "message"),
    [
        (replace(RANKING, observations=Observations("visits")), "$.observations.dataset", "no dataset 'visits'"),
        (replace(RANKING, observations=Observations("orders", -1)), "$.observations.spacing_days", "is -1"),
        (replace(RANKING, label=Label("visits", 7, "item")), "$.label.dataset", "no dataset 'visits'"),
        (replace(RANKING, label=Label("orders", 0, "item")), "$.label.window_days", "is 0, expected 1 to"),
        (replace(RANKING, label=Label("orders", 7)), "$.label.item_column", "needs the item_column"),
        (replace(RANKING, label=Label("orders", 7, "price")), "$.label.item_column", "is a number, expected string"),
        (replace(RANKING, candidates=None), "$.candidates", "needs candidates"),
        (replace(RANKING, candidates=Candidates("orders", "colour")), "$.candidates.item_column", "no column 'colour'; its columns: item"),
        (replace(RANKING, candidates=Candidates("orders", "item", limit=2)), "$.candidates.limit", "is 2, expected 3 to"),
        (
            replace(
                RANKING,
                list_length=100,
                candidates=replace(CANDIDATES, limit=100),
                feature_views=(replace(ITEMS, features=tuple(Feature(f"f{number}", "count") for number in range(21))),),
            ),
            "$.list_length",
            "list_length times the features of items is 2100, expected 0 to 2000",
        ),
        (replace(CLASSIFICATION, candidates=RANKING.candidates), "$.candidates", "has no candidates"),
        (replace(CLASSIFICATION, label=RANKING.label), "$.label.item_column", "has no item_column"),
        *[
            (replace(spec, label=replace(spec.label, **cast("Any", {name: value}))), f"$.label.{name}", message)
            for spec, name, value, message in (
                (CLASSIFICATION, "aggregate", "sum", "has no aggregate"),
                (CLASSIFICATION, "value_column", "price", "has no value_column"),
                (CLASSIFICATION, "absent_class", "none", "with a class_column"),
                (MULTICLASS, "class_column", "price", "is a number, expected string or boolean"),
                (MULTICLASS, "absent_class", "", "1 to 256 characters"),
                (RANKING, "class_column", "item", "has no class_column"),
                (RANKING, "aggregate", "sum", "has no aggregate"),
                (REGRESSION, "class_column", "item", "has no class_column"),
                (REGRESSION, "item_column", "item", "has no item_column"),
                (REGRESSION, "aggregate", None, "needs the aggregate"),
                (REGRESSION, "value_column", None, "'sum' needs a value_column"),
                (REGRESSION, "value_column", "item", "is a string, expected number or boolean"),
            )
        ],
        (replace(REGRESSION, candidates=RANKING.candidates), "$.candidates", "has no candidates"),
        (replace(CLASSIFICATION, training=Training(trials=0)), "$.training.trials", "is 0"),
        (replace(CLASSIFICATION, training=Training(seconds=-1)), "$.training.seconds", "is -1"),
        (replace(REGRESSION, training=Training(calibrate=True)), "$.training.calibrate", "no classes to calibrate"),
        (replace(RANKING, training=Training(balance=True)), "$.training.balance", "no classes to balance"),
        (replace(RANKING, segment_by="items__sold"), "$.segment_by", "no feature column of entities"),
        (replace(CLASSIFICATION, feature_views=(ITEMS,)), "$.feature_views[0].join", "only a ranking"),
        (replace(CLASSIFICATION, feature_views=()), "$.feature_views", "number of feature views is 0"),
        (replace(CLASSIFICATION, feature_views=(PEOPLE, PEOPLE)), "$.feature_views[1].name", "used twice"),
        (
            replace(CLASSIFICATION, feature_views=(FeatureView("candidates", "orders", PEOPLE.features),)),
            "$.feature_views[0].name",
            "reserved",
        ),
        (with_feature(), "$.feature_views", "number of features is 0"),
        (with_feature(Feature("a", "count"), Feature("a", "count")), "$.feature_views[0].features[1].name", "used twice"),
        (with_feature(Feature("a__b", "count")), "$.feature_views[0].features[0].name", "single underscores"),
        (with_feature(Feature("a", "sum")), "$.feature_views[0].features[0].column", "needs a column"),
        (with_feature(Feature("a", "sum", "item")), "$.feature_views[0].features[0].column", "is a string, expected number or boolean"),
        (with_feature(Feature("a", "count", "colour")), "$.feature_views[0].features[0].column", "no column 'colour'"),
        (with_feature(Feature("a", "count", None, 0)), "$.feature_views[0].features[0].window_days", "is 0"),
        (replace(RANKING, feature_views=(replace(ITEMS, key_column="price"),)), "$.feature_views[0].key_column", "expected string"),
    ],
)
def test_what_cannot_be_built_is_refused_at_its_place(spec: ModelSpec, path: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message.replace("$", r"\$")) as caught:
        validate_spec(spec, DATASETS)
    assert caught.value.path == path
