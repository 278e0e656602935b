"""What a request takes out of a ranking's candidates is shown by nobody: no version, no baseline, no default, no chance."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from presage.training.spec import Feature, FeatureView
from tests.fixtures.serving import NOW, RANKING, WORKSPACE, World, build_world

ITEM_WEIGHTS = (0.0, 0.0, 0.0, 0.1, 0.0)
DEFAULT = ("f4", "f1", "f3")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def ask(world: World, **entry: Any) -> Any:  # noqa: ANN401 - the wire's own
    answer = predict(PredictRequest("m", [{"id": "c1", **entry}]), workspace_id=WORKSPACE, ports=world.ports, now=NOW)
    world.ship()
    return answer.results[0]


def serve(world: World, **changes: Any) -> None:  # noqa: ANN401 - any field
    model = world.add_model("m", RANKING, DEFAULT)
    world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS, **changes))


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        ({"films__taken": 20}, ("f2", "f3")),
        ({"films__taken": [5, 10]}, ("f1", "f4")),
        ({"films__taken": {"min": 10}}, ("f2", "f3", "f1")),
        ({"films__taken": {"min": 10, "max": 10}}, ("f1",)),
        ({"films__taken": {"max": 9.5}}, ("f4",)),
        ({"films__mean": None}, ("f3",)),
        ({"films__mean": [3, None]}, ("f3", "f1")),
        ({"films__mean": {"min": -1e300}}, ("f2", "f1", "f4")),
        ({"films__taken": 20, "films__mean": {"max": 4}}, ("f2",)),
        ({"films__taken": False}, ()),
        ({"films__taken": {"min": 21}}, ()),
    ],
)
def test_filters_hold_before_anything_is_scored(world: World, filters: dict[str, Any], shown: tuple[str, ...]) -> None:
    serve(world)
    result = ask(world, filters=filters)
    assert (result.answered_by, result.prediction) == ("model", shown)
    assert len(result.score) == len(shown)
    assert not result.filters_unchecked
    assert world.log.entries[result.prediction_id].request["features"] == [{"id": "c1", "filters": filters}]


def test_what_is_excluded_makes_room_for_the_next(world: World) -> None:
    serve(world)
    assert ask(world, exclude=["f2", "unknown"]).prediction == ("f3", "f1", "f4")
    assert ask(world, exclude=["f2"], candidates=["f4", "f2", "new"]).prediction == ("f4", "new")
    assert ask(world, exclude=["f1", "f2", "f3", "f4"]).prediction == ()


def test_items_that_the_snapshot_does_not_know_have_counts_of_0_and_nulls(world: World) -> None:
    serve(world)
    assert ask(world, candidates=["f1", "new"], filters={"films__taken": 0}).prediction == ("new",)
    assert ask(world, candidates=["f1", "new"], filters={"films__mean": {"min": 0}}).prediction == ("f1",)


def test_filters_see_what_was_looked_up_and_not_the_callers_values(world: World) -> None:
    serve(world)
    result = ask(world, films__taken=7, filters={"films__taken": 20})
    assert set(result.prediction) == {"f2", "f3"}


def test_times_are_filtered_in_days(world: World) -> None:
    films = FeatureView("films", "ratings", (Feature("taken", "count"), Feature("seen", "days_since_last")), "item", "film")
    model = world.add_model("m", replace(RANKING, feature_views=(RANKING.feature_views[0], films)), DEFAULT)
    world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS))
    days = (NOW.timestamp() - 4.0) / 86_400
    assert set(ask(world, filters={"films__seen": {"min": days}}).prediction) == {"f1", "f2"}


class TestRungs:
    """`f1`, `f2` and `f3` pass the filter; `f2` is excluded."""

    NARROWED = {"exclude": ["f2"], "filters": {"films__taken": {"min": 10}}}  # noqa: RUF012 - read only

    def test_the_previous_version(self, world: World) -> None:
        model = world.add_model("m", RANKING, DEFAULT)
        good, bad = (world.add_version(model, number, weights=ITEM_WEIGHTS) for number in (1, 2))
        del world.files.artifacts[bad.artifact_key]
        world.deploy(model, bad, previous=good)
        result = ask(world, **self.NARROWED)
        assert (result.answered_by, result.prediction) == ("previous_version", ("f3", "f1"))

    def test_the_baseline_beside_a_snapshot(self, world: World) -> None:
        model = world.add_model("m", RANKING, DEFAULT)
        world.deploy(model, world.add_version(model, 1, weights=(1e300, 0.0, 0.0, 0.1, 0.0)))
        with np.errstate(over="ignore"):
            result = ask(world, orders__n=3e38, **self.NARROWED)
        assert (result.answered_by, result.prediction, result.fallback_reason) == ("baseline", ("f3", "f1"), "corrupt_artifact")
        assert not result.filters_unchecked

    def test_the_baseline_without_a_snapshot_shows_nothing_unchecked_and_says_so(self, world: World) -> None:
        serve(world)
        world.files.lake.clear()
        result = ask(world, **self.NARROWED)
        assert (result.answered_by, result.prediction, result.filters_unchecked) == ("baseline", (), True)
        assert world.log.entries[result.prediction_id].result["filters_unchecked"] is True
        excluded = ask(world, exclude=["f2"])
        assert (excluded.answered_by, excluded.prediction) == ("baseline", ("f3", "f4", "f1"))
        assert not excluded.filters_unchecked

    def test_the_default_without_a_version(self, world: World) -> None:
        world.add_model("m", RANKING, DEFAULT)
        unchecked = ask(world, **self.NARROWED)
        assert (unchecked.answered_by, unchecked.prediction, unchecked.filters_unchecked) == ("default", (), True)
        assert ask(world, exclude=["f1", "f9"]).prediction == ("f4", "f3")
        assert ask(world, exclude=["f1"], candidates=["f1", "f3", "f7"]).prediction == ("f3", "f7")

    def test_the_default_of_a_control_beside_a_snapshot(self, world: World) -> None:
        serve(world)
        world.experiment(world.catalog.catalogs[WORKSPACE].deployments["m"].model, treatment_share=0.0)
        result = ask(world, **self.NARROWED)
        assert (result.answered_by, result.prediction) == ("default", ("f1", "f3"))
        assert set(world.log.entries[result.prediction_id].features["items"]) == {"f1", "f3"}  # type: ignore[call-overload]
        assert not result.filters_unchecked

    def test_a_random_control(self, world: World) -> None:
        serve(world)
        world.experiment(world.catalog.catalogs[WORKSPACE].deployments["m"].model, policy="random", treatment_share=0.0)
        shown = [ask(world, **self.NARROWED) for _ in range(20)]
        assert {result.answered_by for result in shown} == {"random"}
        assert {frozenset(result.prediction) for result in shown} == {frozenset({"f1", "f3"})}
        assert {result.propensity for result in shown} == {(0.5, 0.5)}
        assert {ask(world, exclude=["f1", "f2", "f3"]).prediction for _ in range(3)} == {("f4",)}

    def test_a_random_control_without_a_snapshot(self, world: World) -> None:
        model = world.add_model("m", RANKING, DEFAULT)
        world.experiment(model, policy="random", treatment_share=0.0)
        result = ask(world, **self.NARROWED)
        assert (result.answered_by, result.prediction, result.filters_unchecked) == ("random", (), True)
        assert set(ask(world, exclude=["f4"]).prediction) == {"f1", "f3"}

    def test_a_list_of_nothing_is_an_exposure_all_the_same(self, world: World) -> None:
        serve(world)
        world.experiment(world.catalog.catalogs[WORKSPACE].deployments["m"].model, treatment_share=1.0)
        ask(world, exclude=["f1", "f2", "f3", "f4"])
        (assignment,) = world.assignments.published
        assert (assignment.variant, assignment.shown) == ("treatment", ())
