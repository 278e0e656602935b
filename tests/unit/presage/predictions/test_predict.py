"""What is answered, by whom, and what is handed over for it."""

import math
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from presage.errors import CorruptArtifactError, JournalFullError, NotFoundError
from presage.experiments.assignment import assign_variant
from presage.experiments.messages import decode_message, encode_messages
from presage.predictions.request import PredictRequest
from presage.predictions.response import EntryFailure, PredictionResult, PredictResponse
from presage.predictions.use_cases import get_prediction, predict
from tests.fixtures.serving import AS_OF, CLASSIFICATION, LAST_ORDER, NOW, RANKING, STALE_AFTER, WORKSPACE, World, build_world

WEIGHTS = (0.5, 0.01, -0.1)
ITEM_WEIGHTS = (0.0, 0.0, 0.0, 0.1, 0.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def ask(world: World, *entries: Any, model: str = "m", **options: Any) -> list[Any]:  # noqa: ANN401 - the wire's own
    return ask_all(world, *entries, model=model, **options).results


def ask_all(world: World, *entries: Any, model: str = "m", **options: Any) -> PredictResponse:  # noqa: ANN401 - the wire's own
    answer = predict(PredictRequest(model, list(entries), **options), workspace_id=WORKSPACE, ports=world.ports, now=NOW)
    world.ship()
    return answer


def serve_classification(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=WEIGHTS))


def serve_ranking(world: World) -> None:
    model = world.add_model("m", RANKING, ("f9", "f1"))
    world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS))


def test_a_known_entity_is_scored_with_its_features(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "c1"}, include_features=True)
    days = (NOW - LAST_ORDER).total_seconds() / 86_400
    score = sigmoid(3 * 0.5 + 30 * 0.01 - days * 0.1)
    assert result.features == {"orders__n": 3.0, "orders__spent": 30.0, "orders__last": pytest.approx(days)}
    assert result.score == pytest.approx(score, abs=1e-6)
    assert (result.prediction, result.model_version, result.variant, result.answered_by) == ("1", 1, "none", "model")
    assert (result.entity_found, result.snapshot_age_seconds) == (True, (NOW - AS_OF).total_seconds())


def test_days_are_counted_to_the_entrys_own_time(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "c1", "timestamp": "2026-02-25T12:00:00+02:00"}, include_features=True)
    assert result.features["orders__last"] == pytest.approx(5.958333333333333)


def test_a_stale_snapshot_is_used_and_flagged_and_logged_as_such(world: World) -> None:
    serve_classification(world)
    at_the_bound, after = (
        predict(PredictRequest("m", [{"id": "c1"}]), workspace_id=WORKSPACE, ports=world.ports, now=now).results[0]
        for now in (AS_OF + STALE_AFTER, AS_OF + STALE_AFTER + timedelta(seconds=1))
    )
    assert isinstance(at_the_bound, PredictionResult)
    assert isinstance(after, PredictionResult)
    assert not at_the_bound.snapshot_stale
    assert (after.answered_by, after.snapshot_stale) == ("model", True)
    world.ship()
    assert world.log.entries[after.prediction_id].result["snapshot_stale"] is True


def test_an_unknown_entity_has_counts_of_0_and_nulls_that_are_filled(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "nobody"}, include_features=True)
    assert result.features == {"orders__n": 0.0, "orders__spent": None, "orders__last": None}
    assert result.score == pytest.approx(sigmoid(-0.01 + 0.1), abs=1e-6)
    assert result.entity_found is False


def test_raw_values_override_looked_up_ones(world: World) -> None:
    serve_classification(world)
    given, nulled, raw_only = ask(
        world,
        {"id": "c1", "orders__n": 7, "orders__last": 0.5},
        {"id": "c1", "orders__spent": None},
        {"orders__n": True, "orders__spent": 2.5, "orders__last": 1},
        include_features=True,
    )
    assert given.features == {"orders__n": 7.0, "orders__spent": 30.0, "orders__last": 0.5}
    assert nulled.features["orders__spent"] is None
    assert raw_only.features == {"orders__n": 1.0, "orders__spent": 2.5, "orders__last": 1.0}
    assert raw_only.score == pytest.approx(sigmoid(0.5 + 0.025 - 0.1), abs=1e-6)


def test_an_id_over_the_snapshots_key_length_is_found(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "ü" * 256})
    assert result.entity_found is True


def test_features_are_left_out_unless_asked_for(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "c1"})
    assert not result.features


def test_entries_of_one_call_do_not_disturb_each_other(world: World) -> None:
    serve_classification(world)
    entries = [{"id": "c1"}, {"id": "nobody"}, {"orders__n": 4}, {"id": "c1", "orders__n": 0}]
    together = [result.score for result in ask(world, *entries)]
    alone = [ask(world, entry)[0].score for entry in entries]
    assert together == alone


def test_a_bad_entry_fails_alone_and_in_its_place(world: World) -> None:
    serve_classification(world)
    first, bad, last = ask(world, {"id": "c1"}, {"id": "c1", "nothing": 1}, {"id": "c1"})
    assert isinstance(first, PredictionResult)
    assert isinstance(last, PredictionResult)
    assert isinstance(bad, EntryFailure)
    assert (bad.error.code, bad.error.path) == ("unknown_feature", "$.features[1].nothing")
    assert set(world.log.entries) == {first.prediction_id, last.prediction_id}


def test_only_bad_entries_log_nothing(world: World) -> None:
    serve_classification(world)
    assert all(isinstance(result, EntryFailure) for result in ask(world, {}, 3, {"id": 4}))
    assert ask(world, {}, version=1)[0].error.code == "empty_entry"
    assert world.log.entries == {}


def test_a_ranking_orders_the_snapshots_candidates_and_breaks_ties_by_id(world: World) -> None:
    serve_ranking(world)
    (result,) = ask(world, {"id": "c1"}, include_features=True)
    assert result.prediction == ("f2", "f3", "f1")
    assert result.score == pytest.approx([sigmoid(2), sigmoid(2), sigmoid(1)], abs=1e-6)
    assert result.features["entity"]["orders__n"] == 3.0
    assert result.features["items"]["f3"] == {"films__taken": 20.0, "films__mean": None}


def test_a_ranking_orders_the_candidates_given(world: World) -> None:
    serve_ranking(world)
    given, short = ask(world, {"id": "c1", "candidates": ["f4", "new", "f1", "f2"]}, {"candidates": ["f4"]})
    assert given.prediction == ("f2", "f1", "f4")
    assert short.prediction == ("f4",)


def test_every_answer_can_be_read_back(world: World) -> None:
    serve_classification(world)
    (result,) = ask(world, {"id": "c1", "timestamp": "1998-01-01T00:00:00Z"})
    found = get_prediction(workspace_id=WORKSPACE, prediction_id=result.prediction_id, log=world.log)
    assert found.request == {"model": "m", "features": [{"id": "c1", "timestamp": "1998-01-01T00:00:00Z"}]}
    assert found.result["score"] == result.score
    assert found.features["orders__n"] == 3.0
    assert (found.entity_id, found.predicted_for.year, found.created_at) == ("c1", 1998, NOW)
    with pytest.raises(NotFoundError):
        get_prediction(workspace_id="ws_2", prediction_id=result.prediction_id, log=world.log)


class TestLadder:
    def test_a_corrupt_version_gives_way_to_the_previous_one(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        good, bad = world.add_version(model, 1, weights=WEIGHTS), world.add_version(model, 2, weights=WEIGHTS)
        world.files.artifacts[bad.artifact_key.replace("json", "msgpack")] += b"x"
        world.deploy(model, bad, previous=good)
        (result,) = ask(world, {"id": "c1"})
        assert (result.answered_by, result.model_version, result.fallback_reason) == ("previous_version", 1, "corrupt_artifact")

    @pytest.mark.parametrize("lost", ["model.msgpack", "features.lmdb", "snapshot.json"])
    def test_without_any_model_the_baseline_answers(self, world: World, lost: str) -> None:
        serve_classification(world)
        for objects in (world.files.artifacts, world.files.lake):
            for key in [key for key in objects if key.endswith(lost)]:
                del objects[key]
        (result,) = ask(world, {"id": "c1"})
        assert (result.answered_by, result.prediction, result.fallback_reason) == ("baseline", "1", "corrupt_artifact")

    def test_without_manifests_the_default_answers(self, world: World) -> None:
        serve_classification(world)
        world.files.artifacts.clear()
        (result,) = ask(world, {"id": "c1"})
        assert (result.answered_by, result.prediction, result.model_version) == ("default", "0", None)

    def test_without_s3_the_default_answers_and_says_why(self, world: World) -> None:
        serve_classification(world)
        world.files.down = True
        (result,) = ask(world, {"id": "c1"})
        assert (result.answered_by, result.fallback_reason) == ("default", "version_unavailable")
        world.files.down = False
        assert ask(world, {"id": "c1"})[0].answered_by == "model"

    def test_without_a_version_the_default_answers(self, world: World) -> None:
        world.add_model("m", RANKING, ("f9", "f1"))
        plain, limited = ask(world, {"id": "c1"}, {"candidates": ["f3", "f1", "f2", "f0"]})
        assert (plain.prediction, plain.fallback_reason) == (("f9", "f1"), "no_version")
        assert limited.prediction == ("f1", "f0", "f2")

    def test_the_baseline_of_a_ranking_keeps_to_the_candidates(self, world: World) -> None:
        serve_ranking(world)
        world.files.lake.clear()
        plain, limited = ask(world, {"id": "c1"}, {"candidates": ["new", "f1", "f4"]})
        assert plain.prediction == ("f2", "f3", "f4")
        assert limited.prediction == ("f4", "f1", "new")

    @pytest.mark.parametrize(
        "changes",
        [
            {"format": 1},
            {"version": 9},
            {"model_id": "mdl_other"},
            {"columns": ("orders__n",)},
            {"classes": ("0", "1", "2")},
        ],
    )
    def test_a_manifest_that_does_not_fit_is_not_used(self, world: World, changes: dict[str, Any]) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        good, bad = world.add_version(model, 1, weights=WEIGHTS), world.add_version(model, 2, weights=WEIGHTS, **changes)
        world.deploy(model, bad, previous=good)
        assert ask(world, {"id": "c1"})[0].answered_by == "previous_version"

    def test_a_model_of_nan_is_not_used(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(model, world.add_version(model, 1, weights=(math.nan, 0.0, 0.0)))
        assert ask(world, {"id": "c1"})[0].answered_by == "baseline"

    def test_traffic_to_the_default_is_no_fallback(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(model, world.add_version(model, 1, weights=WEIGHTS), traffic="default")
        (result,) = ask(world, {"id": "c1"})
        assert (result.answered_by, result.prediction) == ("default", "0")
        assert not result.fallback_reason


class TestExplicitVersion:
    def test_a_version_that_does_not_serve_can_be_asked(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(model, world.add_version(model, 1, weights=WEIGHTS))
        world.add_version(model, 2, weights=(0.0, 0.0, 0.0))
        world.experiment(model)
        (result,) = ask(world, {"id": "c1"}, version=2)
        assert (result.model_version, result.score, result.variant) == (2, 0.5, "none")
        assert world.assignments.published == []

    def test_an_unknown_version_or_model_does_not_exist(self, world: World) -> None:
        serve_classification(world)
        with pytest.raises(NotFoundError):
            ask(world, {"id": "c1"}, version=9)
        with pytest.raises(NotFoundError):
            ask(world, {"id": "c1"}, model="other")

    def test_there_is_no_ladder_below_it(self, world: World) -> None:
        serve_classification(world)
        world.files.lake.clear()
        with pytest.raises(CorruptArtifactError):
            ask(world, {"id": "c1"}, version=1)
        assert world.log.entries == {}


class TestExperiment:
    IDS = tuple(f"c{number}" for number in range(60))

    def test_control_gets_the_default_and_treatment_the_model(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(model, world.add_version(model, 1, weights=(0.0, 0.0, 0.0), baseline=("0",)))
        world.experiment(model)
        results = ask(world, *({"id": name} for name in self.IDS))
        expected = [assign_variant(salt="salt", unit_id=name, treatment_share=0.5) for name in self.IDS]
        assert [result.variant for result in results] == expected
        assert {result.answered_by for result in results if result.variant == "control"} == {"default"}
        assert {result.answered_by for result in results if result.variant == "treatment"} == {"model"}
        assert {result.experiment_id for result in results} == {"exp_1"}
        logged = world.log.entries[results[0].prediction_id]
        assert (logged.variant, logged.experiment_id) == (expected[0], "exp_1")

    def test_every_attempt_is_one_assignment_with_what_was_shown(self, world: World) -> None:
        model = world.add_model("m", RANKING, ("f9", "f1"))
        world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS))
        world.experiment(model)
        results = ask(world, *({"id": name, "timestamp": "1998-01-01T00:00:00Z"} for name in self.IDS))
        published = {assignment.prediction_id: assignment for assignment in world.assignments.published}
        assert len(published) == len(self.IDS)
        for name, result in zip(self.IDS, results, strict=True):
            assignment = published[result.prediction_id]
            assert (assignment.unit_id, assignment.variant, assignment.shown) == (name, result.variant, result.prediction)
            assert assignment.exposed_at.year == 1998
            assert assignment.model_version == (1 if result.variant == "treatment" else None)

    def test_a_fallback_is_assigned_too(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.experiment(model, treatment_share=1.0)
        (result,) = ask(world, {"id": "c1"})
        (assignment,) = world.assignments.published
        assert (result.answered_by, assignment.shown, assignment.variant) == ("default", ("0",), "treatment")

    def test_an_item_that_the_warehouse_cannot_hold_does_not_cost_the_exposure(self, world: World) -> None:
        model = world.add_model("m", RANKING, ("x" * 257, "", "f1"))
        world.experiment(model)
        (result,) = ask(world, {"id": "c1"})
        (assignment,) = world.assignments.published
        assert (len(result.prediction), assignment.shown) == (3, ("f1",))
        assert [decode_message(body) for body in encode_messages([assignment])] == [(assignment,)]

    def test_random_control_is_drawn_from_the_classes_or_candidates(self, world: World) -> None:
        classes = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(classes, world.add_version(classes, 1, weights=WEIGHTS))
        world.experiment(classes, policy="random", treatment_share=0.0)
        drawn = Counter(result.prediction for result in ask(world, *({"id": "c1"} for _ in range(100))))
        assert set(drawn) == {"0", "1"}
        assert min(drawn.values()) > 20

        items = world.add_model("r", RANKING, ("f9",))
        world.deploy(items, world.add_version(items, 1, weights=ITEM_WEIGHTS))
        world.experiment(items, policy="random", treatment_share=0.0)
        lists = [result.prediction for result in ask(world, *({"id": "c1"} for _ in range(100)), model="r")]
        assert {len(set(shown)) for shown in lists} == {3}
        assert set().union(*lists) == {"f1", "f2", "f3", "f4"}
        assert len(set(lists)) > 10

    def test_control_logs_the_features_that_the_model_would_have_used(self, world: World) -> None:
        model = world.add_model("m", RANKING, ("f9", "f1"))
        world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS))
        world.experiment(model, treatment_share=0.0)
        (result,) = ask(world, {"id": "c1"})
        features = world.log.entries[result.prediction_id].features
        assert features["entity"]["orders__n"] == 3.0  # type: ignore[index]
        assert features["items"]["f1"]["films__taken"] == 10.0  # type: ignore[index]

    def test_without_an_id_nobody_is_assigned_and_the_model_answers(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        world.deploy(model, world.add_version(model, 1, weights=WEIGHTS))
        world.experiment(model, treatment_share=0.0)
        (result,) = ask(world, {"orders__n": 1})
        assert (result.answered_by, result.variant, world.assignments.published) == ("model", "none", [])

    @pytest.mark.parametrize(("state", "assigned"), [("running", 1), ("paused_srm", 1), ("draft", 0), ("concluded_ship", 0)])
    def test_only_an_experiment_under_way_assigns(self, world: World, state: Any, assigned: int) -> None:  # noqa: ANN401 - a literal
        model = world.add_model("m", CLASSIFICATION, "0")
        world.experiment(model, state=state)
        ask(world, {"id": "c1"})
        assert len(world.assignments.published) == assigned


def test_nothing_is_answered_that_was_not_written_down(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.experiment(model)
    world.journal.room = False
    with pytest.raises(JournalFullError):
        ask(world, {"id": "c1"})
    world.ship()
    assert (world.log.entries, world.assignments.published) == ({}, [])
    world.journal.room = True
    (result,) = ask(world, {"id": "c1"})
    assert set(world.log.entries) == {result.prediction_id}
    assert [assignment.prediction_id for assignment in world.assignments.published] == [result.prediction_id]
