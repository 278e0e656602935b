"""Derived features in answers: of what was looked up, of what is given instead, for entities and for items."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from presage.predictions.request import PredictRequest
from presage.predictions.response import EntryFailure, PredictionResult
from presage.predictions.use_cases import predict
from presage.training.spec import DerivedFeature, Expression, Feature, FeatureView
from tests.fixtures.serving import AS_OF, CLASSIFICATION, NOW, RANKING, WORKSPACE, World, build_world

AVERAGE = DerivedFeature("average", Expression("ratio", ("orders__spent", "orders__n")))
HOUR = DerivedFeature("hour", Expression("time_part", part="hour"))
SHOPS = FeatureView("shops", "orders", (Feature("shop", "latest", "shop", categories=("north", "web")),))
BY_WEB = DerivedFeature("by_web", Expression("one_of", ("shops__shop",), values=("web",)))
SPEC = replace(CLASSIFICATION, feature_views=(*CLASSIFICATION.feature_views, SHOPS), derived=(BY_WEB, AVERAGE, HOUR))
APPEAL = DerivedFeature("appeal", Expression("multiply", ("films__mean", "derived__average")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def ask(world: World, entries: list[Any], **changes: Any) -> list[PredictionResult | EntryFailure]:  # noqa: ANN401 - of the request
    request = PredictRequest("m", entries, **({"include_features": True} | changes))
    return list(predict(request, workspace_id=WORKSPACE, ports=world.ports, now=NOW).results)


def serve(world: World) -> None:
    model = world.add_model("m", SPEC, "0")
    values = {("orders", "c1"): (3.0, 30.0, AS_OF.timestamp()), ("shops", "c1"): (1.0,)}
    world.deploy(model, world.add_version(model, 1, weights=(0, 0, 0, 0, 0, 0.1, 0), values=values))


def test_what_is_derived_follows_what_is_looked_up_and_what_is_given(world: World) -> None:
    serve(world)
    results = ask(world, [{"id": "c1"}, {"id": "c1", "orders__n": 6}, {"id": "c1", "orders__spent": None}, {"id": "nobody"}])
    found = [result.features for result in results if isinstance(result, PredictionResult)]
    assert [features["derived__average"] for features in found] == [10.0, 5.0, None, None]  # type: ignore[index]
    assert [features["derived__by_web"] for features in found] == [1.0, 1.0, 1.0, None]  # type: ignore[index]
    first = results[0]
    assert isinstance(first, PredictionResult)
    assert first.score == pytest.approx(1 / (1 + math.exp(-1.0 - 0.0)))


def test_an_entry_by_itself_has_what_it_has_in_a_batch(world: World) -> None:
    serve(world)
    stamp = (NOW - timedelta(hours=5)).isoformat()
    together, alone, earlier = ask(world, [{"id": "c1"}, {"id": "c1", "timestamp": NOW.isoformat()}, {"id": "c1", "timestamp": stamp}])
    assert isinstance(together, PredictionResult)
    assert isinstance(alone, PredictionResult)
    assert isinstance(earlier, PredictionResult)
    assert (together.features, together.score) == (alone.features, alone.score)
    assert [each.features["derived__hour"] for each in (together, earlier)] == [12.0, 7.0]  # type: ignore[index]


def test_a_category_is_given_by_its_name(world: World) -> None:
    serve(world)
    results = ask(world, [{"shops__shop": "web"}, {"shops__shop": "north"}, {"shops__shop": "elsewhere"}, {"shops__shop": None}])
    found = [result.features for result in results if isinstance(result, PredictionResult)]
    assert [features["shops__shop"] for features in found] == [1.0, 0.0, 2.0, None]  # type: ignore[index]
    assert [features["derived__by_web"] for features in found] == [1.0, 0.0, 0.0, None]  # type: ignore[index]


def test_a_derived_value_cannot_be_given(world: World) -> None:
    serve(world)
    (failure,) = ask(world, [{"id": "c1", "derived__average": 3}])
    assert isinstance(failure, EntryFailure)
    assert (failure.error.code, failure.error.path) == ("derived_feature", "$.features[0].derived__average")


def test_items_are_ranked_filtered_and_told_by_what_is_derived_of_them(world: World) -> None:
    spec = replace(RANKING, derived=(APPEAL, AVERAGE))
    model = world.add_model("m", spec, ("f1",))
    world.deploy(model, world.add_version(model, 1, weights=(0, 0, 0, 0, 0, 0.1, 0)))

    (result,) = ask(world, [{"id": "c1", "filters": {"derived__appeal": {"max": 40}}, "orders__n": 6}])

    assert isinstance(result, PredictionResult)
    assert result.prediction == ("f2", "f1")  # f4's looked-up appeal is 50, f3 has none
    assert result.features == {
        "entity": {"orders__n": 6.0, "orders__spent": 30.0, "orders__last": pytest.approx(10.0417, abs=1e-3), "derived__average": 5.0},
        "items": {
            "f2": {"films__taken": 20.0, "films__mean": 4.0, "derived__appeal": 20.0},
            "f1": {"films__taken": 10.0, "films__mean": 3.0, "derived__appeal": 15.0},
        },
    }


@pytest.mark.parametrize("microseconds", [0, 1, 123_457, 999_999])
def test_days_are_those_that_training_counts(world: World, microseconds: int) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    event = AS_OF - timedelta(days=77, microseconds=microseconds)
    world.deploy(model, world.add_version(model, 1, weights=(0, 0, 0), values={("orders", "c1"): (1.0, 1.0, event.timestamp())}))
    (result,) = ask(world, [{"id": "c1"}])
    assert isinstance(result, PredictionResult)
    assert result.features["orders__last"] == (77 * 86_400_000_000 + 3_600_000_000 + microseconds) / 86_400_000_000  # type: ignore[index]
