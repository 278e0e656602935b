"""Where the values of a logged feature vector came from."""

from presage.predictions.origins import LoggedValue, list_values
from presage.training.recipe import InputDataset, Recipe
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations
from tests.fixtures.logged import entry

VIEWS = (
    FeatureView("orders", "purchases", (Feature("spent", "sum", "spent"), Feature("n", "count"))),
    FeatureView("films", "films", (Feature("length", "latest", "length"),), join="item"),
)
SPEC = ModelSpec("ranking", Observations("purchases"), Label("purchases", 30), VIEWS)
RECIPE = Recipe("ws_1", SPEC, {"purchases": InputDataset("ds_1", 4, {}, ()), "films": InputDataset("ds_2", 9, {}, ())}, 0)
LOOKED_UP = {"snapshot_age_seconds": 3600.0}


def test_values_of_the_request_of_the_snapshot_and_of_other_values_are_told_apart() -> None:
    features = {"orders__spent": 3.0, "orders__n": 2.0, "derived__mean": 1.5}
    logged = entry(1, features=features, result=LOOKED_UP, request={"model": "m", "features": [{"id": "c1", "orders__n": 2}]})
    assert list_values(logged, RECIPE) == [
        LoggedValue("orders__spent", None, 3.0, "snapshot", 3600.0, "purchases", "ds_1", 4),
        LoggedValue("orders__n", None, 2.0, "request", 0.0),
        LoggedValue("derived__mean", None, 1.5, "derived"),
    ]


def test_a_ranking_has_values_of_the_entity_and_of_each_item() -> None:
    features = {"entity": {"orders__n": 2.0}, "items": {"f1": {"films__length": 90.0}, "f2": {"films__length": None}}}
    found = list_values(entry(1, features=features, result=LOOKED_UP), RECIPE)
    assert [(value.column, value.item, value.value, value.version) for value in found] == [
        ("orders__n", None, 2.0, 4),
        ("films__length", "f1", 90.0, 9),
        ("films__length", "f2", None, 9),
    ]


def test_what_is_not_known_is_not_guessed() -> None:
    without_recipe = list_values(entry(1, result=LOOKED_UP), None)
    assert {(value.origin, value.age_seconds, value.version) for value in without_recipe} == {("snapshot", 3600.0, None)}
    without_snapshot = list_values(entry(1, result={"snapshot_age_seconds": None}), RECIPE)
    assert {(value.origin, value.age_seconds, value.version) for value in without_snapshot} == {("unknown", None, None)}
    assert list_values(entry(1, features={}), RECIPE) == []
