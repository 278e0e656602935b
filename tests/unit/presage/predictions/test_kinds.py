"""Answers that are numbers, or classes of many, however they come to be answered."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import get_prediction, predict
from presage.training.spec import Label
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, World, build_linear_model, build_world

REGRESSION = replace(CLASSIFICATION, kind="regression", label=Label("orders", 90, aggregate="sum", value_column="spent"))
MULTICLASS = replace(CLASSIFICATION, label=Label("orders", 90, class_column="shop", absent_class="none"))
CLASSES = ("book", "none", "toys")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def ask(world: World, *entries: Any, **options: Any) -> list[Any]:  # noqa: ANN401 - the wire's own
    results = predict(PredictRequest("m", list(entries), **options), workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
    world.ship()
    return results


def serve_regression(world: World) -> None:
    model = world.add_model("m", REGRESSION, 2.5)
    body = build_linear_model([[2.0, 1.0, 0.0]], "identity")
    world.deploy(model, world.add_version(model, 1, weights=body, classes=(), baseline=("7.25",)))


def serve_multiclass(world: World) -> None:
    model = world.add_model("m", MULTICLASS, "none")
    body = build_linear_model([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.1, 0.0]], "softmax")
    world.deploy(model, world.add_version(model, 1, weights=body, classes=CLASSES, baseline=("none",)))


def test_a_number_is_answered_alone_and_with_others_and_logged(world: World) -> None:
    serve_regression(world)
    (alone,) = ask(world, {"id": "c1"})
    first, second = ask(world, {"id": "c1"}, {"id": "c1", "orders__n": 1})
    assert (alone.prediction, alone.score, first.prediction, second.prediction) == (36.0, 36.0, 36.0, 32.0)
    for result in (alone, first, second):
        logged = get_prediction(workspace_id=WORKSPACE, prediction_id=result.prediction_id, log=world.log)
        assert (logged.result["prediction"], logged.result["score"]) == (result.prediction, result.prediction)
    assert msgspec.json.decode(msgspec.json.encode(alone))["prediction"] == 36.0


def test_contributions_add_up_to_the_number(world: World) -> None:
    serve_regression(world)
    (result,) = ask(world, {"id": "c1"}, explain=True)
    assert result.explanation.base + sum(result.explanation.contributions.values()) == pytest.approx(36.0)


def test_a_number_falls_back_to_the_mean_and_to_the_default(world: World) -> None:
    serve_regression(world)
    (key,) = (key for key in world.files.artifacts if key.endswith("model.msgpack"))
    world.files.artifacts[key] = b"damaged"
    (result,) = ask(world, {"id": "c1"})
    assert (result.prediction, result.answered_by, result.fallback_reason) == (7.25, "baseline", "corrupt_artifact")
    world.files.artifacts.clear()
    (result,) = ask(build_default(world), {"id": "c1"})
    assert (result.prediction, result.answered_by) == (2.5, "default")


def build_default(world: World) -> World:
    world.deploy(world.add_model("m", REGRESSION, 2.5), None)
    return world


def test_a_control_of_chance_answers_what_cannot_be_drawn_by_the_default(world: World) -> None:
    for spec, default in ((REGRESSION, 2.5), (MULTICLASS, "none")):
        model = world.add_model("m", spec, default)
        world.experiment(model, policy="random", treatment_share=0.0)
        (result,) = ask(world, {"id": "c1"})
        assert (result.prediction, result.answered_by, result.propensity, result.variant) == (default, "default", 1.0, "control")


def test_a_number_that_was_shown_reaches_the_experiment(world: World) -> None:
    serve_regression(world)
    world.experiment(world.catalog.catalogs[WORKSPACE].deployments["m"].model, treatment_share=1.0)
    ask(world, {"id": "c1"}, {"id": "c2"})
    ask(world, {"id": "c1"}, explain=True)
    shown = [assignment.shown for assignment in world.assignments.published if assignment.unit_id == "c1"]
    assert shown == [("36.0",), ("36.0",)]


def test_a_class_of_many_has_its_probability_and_those_of_all(world: World) -> None:
    serve_multiclass(world)
    odds = [1.0, math.exp(1.5), math.exp(3.0)]
    expected = dict(zip(CLASSES, [each / sum(odds) for each in odds], strict=True))
    (alone,) = ask(world, {"id": "c1"}, explain=True)
    first, second = ask(world, {"id": "c1"}, {"id": "nobody"})
    for result in (alone, first):
        assert (result.prediction, result.score) == ("toys", pytest.approx(expected["toys"]))
        assert result.probabilities == pytest.approx(expected)
    assert second.probabilities == pytest.approx(dict.fromkeys(CLASSES, 1 / 3))
    assert alone.explanation_unavailable == "more_than_two_classes"
    for result in (alone, first):
        logged = get_prediction(workspace_id=WORKSPACE, prediction_id=result.prediction_id, log=world.log)
        assert logged.result["prediction"] == "toys"
        assert "probabilities" not in logged.result


def test_two_classes_say_no_more_than_their_score(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    for result in (*ask(world, {"id": "c1"}), *ask(world, {"id": "c1"}, {"id": "c1"}), *ask(world, {"id": "c1"}, explain=True)):
        assert result.probabilities is msgspec.UNSET
