"""What the control of an experiment is answered, by policy, and what stands in for it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from presage.experiments.model import LayerSegment, TreatmentArm
from presage.predictions.loading import ScorerCache
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from presage.training.model import Model, ModelVersion
from tests.fixtures.serving import CLASSIFICATION, NOW, RANKING, WORKSPACE, World, build_world

UP, DOWN, TIED = (0.0, 0.0, 0.0, 0.1, 0.0), (0.0, 0.0, 0.0, -0.1, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0)
POPULAR = ("f4", "f3", "f2", "f1")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def ask(world: World, entry: dict[str, object] | None = None) -> Any:  # noqa: ANN401 - the wire's own
    (result,) = predict(PredictRequest("m", [entry or {"id": "c1"}]), workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
    world.ship()
    return result


def serve_three(world: World) -> tuple[Model, list[ModelVersion]]:
    """Serve version 3, after 2, of a ranking whose versions order items differently."""
    model = world.add_model("m", RANKING, ("f9", "f1"))
    versions = [
        world.add_version(model, number, weights=weights, baseline=baseline)
        for number, weights, baseline in ((1, DOWN, ("f1", "f2")), (2, TIED, ("f2", "f1")), (3, UP, POPULAR))
    ]
    world.deploy(model, versions[2], previous=versions[1])
    return model, versions


class TestPreviousVersion:
    def test_the_version_fixed_by_the_start_answers_the_control(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", treatment_share=0.0, control=versions[0])
        result = ask(world)
        assert (result.variant, result.answered_by, result.model_version) == ("control", "previous_version", 1)
        assert result.prediction[0] == "f4"
        assert not result.fallback_reason
        logged = world.log.entries[result.prediction_id]
        assert (logged.model_version, logged.result["answered_by"], logged.features) == (1, "previous_version", logged.features)
        assert set(logged.features) == {"entity", "items"}
        (assignment,) = world.assignments.published
        assert (assignment.variant, assignment.model_version, assignment.shown) == ("control", 1, result.prediction)

    def test_the_treatment_gets_the_version_in_production(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", treatment_share=1.0, control=versions[0])
        result = ask(world)
        assert (result.variant, result.answered_by, result.model_version) == ("treatment", "model", 3)

    def test_a_broken_version_gives_way_to_its_baseline_never_to_the_treatments_version(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", treatment_share=0.0, control=versions[0])
        del world.files.artifacts[f"ws={WORKSPACE}/models/{model.model_id}/1/model.msgpack"]
        result = ask(world)
        assert (result.answered_by, result.model_version, result.prediction) == ("baseline", 1, ("f1", "f2"))
        assert result.fallback_reason == "corrupt_artifact"
        del world.files.artifacts[versions[0].artifact_key]
        result = ask(build_again(world))
        assert (result.answered_by, result.model_version, result.fallback_reason) == ("default", None, "corrupt_artifact")

    def test_a_version_that_is_gone_gives_way_to_the_default(self, world: World) -> None:
        model, _ = serve_three(world)
        world.experiment(model, policy="previous_version", treatment_share=0.0, control=None)
        result = ask(world)
        assert (result.variant, result.answered_by, result.fallback_reason) == ("control", "default", "no_version")


class TestPopularity:
    def test_the_list_of_the_serving_version_answers_the_control(self, world: World) -> None:
        model, _ = serve_three(world)
        world.experiment(model, policy="popularity", treatment_share=0.0)
        result = ask(world)
        assert (result.variant, result.answered_by, result.model_version) == ("control", "baseline", 3)
        assert result.prediction == POPULAR[:3]
        assert not result.fallback_reason
        assert world.log.entries[result.prediction_id].features

    def test_it_keeps_to_candidates_and_filters(self, world: World) -> None:
        model, _ = serve_three(world)
        world.experiment(model, policy="popularity", treatment_share=0.0)
        assert ask(world, {"id": "c1", "candidates": ["f1", "f2"]}).prediction == ("f2", "f1")
        assert ask(world, {"id": "c1", "exclude": ["f4"]}).prediction == ("f3", "f2", "f1")
        assert ask(world, {"id": "c1", "filters": {"films__taken": {"min": 15}}}).prediction == ("f3", "f2")

    def test_a_lost_list_gives_way_to_the_one_before_and_the_default(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="popularity", treatment_share=0.0)
        del world.files.artifacts[versions[2].artifact_key]
        result = ask(world)
        assert (result.answered_by, result.model_version, result.fallback_reason) == ("baseline", 2, "corrupt_artifact")
        del world.files.artifacts[versions[1].artifact_key]
        result = ask(build_again(world))
        assert (result.answered_by, result.prediction, result.fallback_reason) == ("default", ("f9", "f1"), "corrupt_artifact")

    def test_after_a_rollback_everybody_gets_the_list(self, world: World) -> None:
        model, versions = serve_three(world)
        world.deploy(model, versions[2], traffic="popularity")
        result = ask(world)
        assert (result.variant, result.answered_by, result.prediction) == ("none", "baseline", POPULAR[:3])


class TestOutsideTheVariants:
    IDS = tuple(f"c{number}" for number in range(400))

    def ask_all(self, world: World) -> list[Any]:
        entries = [{"id": unit} for unit in self.IDS]
        results: list[Any] = []
        for start in range(0, len(entries), 100):
            request = PredictRequest("m", entries[start : start + 100])
            results += predict(request, workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
        world.ship()
        return results

    def test_the_holdout_gets_what_the_control_gets_and_is_not_assigned(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", control=versions[0], holdout_share=0.25)
        results = self.ask_all(world)
        held = {unit for unit, result in zip(self.IDS, results, strict=True) if result.variant == "none"}
        assert 60 < len(held) < 140
        for unit, result in zip(self.IDS, results, strict=True):
            assert result.model_version == (3 if result.variant == "treatment" else 1)
            assert bool(result.experiment_id) == (unit not in held)
        assert {assignment.unit_id for assignment in world.assignments.published} == set(self.IDS) - held
        assert {assignment.variant for assignment in world.assignments.published} == {"control", "treatment"}

    def test_the_holdout_is_the_same_in_every_experiment_of_the_workspace(self, world: World) -> None:
        model, versions = serve_three(world)
        held = []
        for salt in ("one", "other"):
            world.experiment(model, policy="previous_version", control=versions[0], holdout_share=0.25, salt=salt)
            held.append([result.variant == "none" for result in self.ask_all(world)])
        assert held[0] == held[1]

    def test_units_outside_the_segment_are_answered_as_without_the_experiment(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", control=versions[0], segment=LayerSegment("search", 0.25, 0.75))
        results = self.ask_all(world)
        outside = {unit for unit, result in zip(self.IDS, results, strict=True) if result.variant == "none"}
        assert 150 < len(outside) < 250
        for unit, result in zip(self.IDS, results, strict=True):
            if unit in outside:
                assert (result.answered_by, result.model_version, bool(result.experiment_id)) == ("model", 3, False)
        assert {assignment.unit_id for assignment in world.assignments.published} == set(self.IDS) - outside

    def test_when_the_experiment_has_ended_the_holdout_is_answered_as_everybody(self, world: World) -> None:
        model, versions = serve_three(world)
        world.experiment(model, policy="previous_version", control=versions[0], holdout_share=0.25, state="concluded_ship")
        assert {result.model_version for result in self.ask_all(world)} == {3}


class TestChangedWeights:
    IDS = tuple(f"c{number}" for number in range(100))

    def ask_all(self, world: World) -> dict[str, Any]:
        request = PredictRequest("m", [{"id": unit} for unit in self.IDS])
        results = predict(request, workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
        world.ship()
        return dict(zip(self.IDS, results, strict=True))

    def test_a_greater_share_moves_units_into_treatment_only_and_is_told(self, world: World) -> None:
        model, _ = serve_three(world)
        world.experiment(model, treatment_share=0.1)
        before = self.ask_all(world)
        world.experiment(model, treatment_share=0.1, weights=((0.3,), (0.5,)))
        after = self.ask_all(world)

        treated = [{unit for unit, result in found.items() if result.variant == "treatment"} for found in (before, after)]
        assert treated[0] < treated[1]
        assert 3 <= len(treated[0]) <= 20
        assert 35 <= len(treated[1]) <= 65
        assert not any(result.allocation_version for result in before.values())
        assert {result.allocation_version for result in after.values()} == {3}
        versions = {found.prediction_id: found.allocation_version for found in world.assignments.published}
        assert {versions[result.prediction_id] for result in before.values()} == {1}
        assert {versions[result.prediction_id] for result in after.values()} == {3}
        assert world.log.entries[after["c1"].prediction_id].result["allocation_version"] == 3


def test_an_explicit_control_version_is_found_without_the_database(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    first, second = (world.add_version(model, number, weights=(0, 0, 0)) for number in (1, 2))
    world.deploy(model, second)
    world.experiment(model, policy="previous_version", control=first)
    world.catalog.versions.clear()
    (result,) = predict(PredictRequest("m", [{"id": "c1"}], version=1), workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
    assert getattr(result, "model_version", None) == 1


def build_again(world: World) -> World:
    """Return the world as a process that begins now finds it: nothing is loaded."""
    folder = world.folder / "again"
    folder.mkdir()
    again = build_world(folder)
    again.catalog.catalogs, again.files.artifacts, again.files.lake = world.catalog.catalogs, world.files.artifacts, world.files.lake
    return again


class TestArms:
    """Version 3 orders items upwards, 1 downwards, and 2 leaves them as they are."""

    UNITS = tuple(f"c{number}" for number in range(60))

    def compare(self, world: World, model: Model, arms: Mapping[TreatmentArm, ModelVersion | None]) -> dict[str, Any]:
        """Return an answer to each variant's units, which are all alike."""
        world.arms(model, arms)
        results: dict[str, list[Any]] = {}
        for unit in self.UNITS:
            result = ask(world, {"id": unit})
            results.setdefault(result.variant, []).append(result)
        for found in results.values():
            assert len({(each.answered_by, each.model_version, each.fallback_reason) for each in found}) == 1
        return {variant: found[0] for variant, found in results.items()}

    def test_each_arm_is_answered_by_its_version(self, world: World) -> None:
        model, versions = serve_three(world)
        arms = {TreatmentArm("down", 0.3, 1): versions[0], TreatmentArm("now", 0.3): None}
        found = self.compare(world, model, arms)
        assert {variant: (each.answered_by, each.model_version) for variant, each in found.items()} == {
            "down": ("model", 1),
            "now": ("model", 3),
            "control": ("default", None),
        }
        variants = {assignment.unit_id: (assignment.variant, assignment.model_version) for assignment in world.assignments.published}
        assert len(variants) == len(self.UNITS)
        assert set(variants.values()) == {("down", 1), ("now", 3), ("control", None)}
        assert world.log.entries[found["down"].prediction_id].variant == "down"

    def test_a_broken_arm_never_gets_another_arms_version(self, world: World) -> None:
        model, versions = serve_three(world)
        for number in (1, 3):
            del world.files.artifacts[f"ws={WORKSPACE}/models/{model.model_id}/{number}/model.msgpack"]
        arms = {TreatmentArm("down", 0.3, 1): versions[0], TreatmentArm("tied", 0.2, 2): versions[1], TreatmentArm("now", 0.3): None}
        found = self.compare(build_again(world), model, arms)
        told = {variant: (each.answered_by, each.model_version, each.fallback_reason) for variant, each in found.items()}
        assert told["down"] == ("baseline", 1, "corrupt_artifact")
        assert told["now"] == ("baseline", 3, "corrupt_artifact")
        assert told["tied"][:2] == ("model", 2)

    def test_an_arm_whose_version_is_gone_gets_the_default(self, world: World) -> None:
        model, _ = serve_three(world)
        found = self.compare(world, model, {TreatmentArm("down", 0.9, 1): None})
        assert (found["down"].answered_by, found["down"].fallback_reason) == ("default", "no_version")

    def test_batches_are_answered_arm_by_arm(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        versions = [world.add_version(model, number, weights=(0, 0, 0)) for number in (1, 2, 3)]
        world.deploy(model, versions[2], previous=versions[1])
        world.arms(model, {TreatmentArm("one", 0.3, 1): versions[0], TreatmentArm("two", 0.3, 2): versions[1]})
        request = PredictRequest("m", [{"id": unit} for unit in self.UNITS])
        results = predict(request, workspace_id=WORKSPACE, ports=world.ports, now=NOW).results
        world.ship()
        told = {(each.variant, each.model_version) for each in results}  # type: ignore[union-attr] # all are answers
        assert told == {("one", 1), ("two", 2), ("control", None)}
        logged = {entry.prediction_id: entry.variant for entry in world.log.entries.values()}
        assert [logged[each.prediction_id] for each in results] == [each.variant for each in results]  # type: ignore[union-attr]

    def test_it_begins_when_every_version_is_loaded(self, world: World) -> None:
        model, versions = serve_three(world)
        world.arms(model, {TreatmentArm("down", 0.5, 1): versions[0], TreatmentArm("tied", 0.4, 2): versions[1]})
        deployment = world.catalog.catalogs[WORKSPACE].deployments["m"]
        started: list[Any] = []
        scorers = ScorerCache(world.files, start=started.append)
        scorers.get_scorer(versions[2])
        catalog = world.catalog.catalogs[WORKSPACE]
        scorers.prepare(replace(catalog, deployments={"m": replace(deployment, experiment=None, arms={})}))
        assert scorers.prepare(catalog).deployments["m"].experiment is None
        assert len(started) == 2
        started[0]()
        assert scorers.prepare(catalog).deployments["m"].experiment is None
        started[1]()
        assert scorers.prepare(catalog).deployments["m"].experiment is not None
