"""`explain: true`: contributions that add up to the score that is served, for every kind of pipeline; and why there are none."""

import math
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from presage.errors import InvalidInputError
from presage.predictions.explanation import Explanation, explain_score
from presage.predictions.loaded_model import LoadedModel
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from presage.training.compiled import Additive, CompiledModel, encode_compiled
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations
from services.trainer.compiling import compile_pipeline
from tests.fixtures.pipelines import CLASSIFIERS, REGRESSORS, make_classes, make_rows, make_targets
from tests.fixtures.serving import CLASSIFICATION, NOW, RANKING, WORKSPACE, World, build_world

COLUMNS = tuple("abcde")
WIDE = ModelSpec(
    "classification",
    Observations("orders"),
    Label("orders", 90),
    (FeatureView("v", "orders", tuple(Feature(name, "sum", name) for name in COLUMNS)),),
)
SERVED = (
    "histogram",
    "histogram of categories",
    "boosted",
    "boosted behind scalers",
    "boosted on one-hot",
    "boosted on ordinals",
    "logistic",
    "logistic on one-hot",
)
ROWS = make_rows(300)
VALUES = st.none() | st.floats(-4e3, 4e3) | st.sampled_from([1.0, 2.0, 5.0, 9.5, 0.0, 3.0, -1.0, 1e30, -1e30, 7.5])


@cache
def compile_classifier(name: str) -> bytes:
    with threadpool_limits(limits=1):
        return encode_compiled(compile_pipeline(CLASSIFIERS[name]().fit(ROWS, make_classes(ROWS)), ROWS))


def serve(world: World, name: str, spec: ModelSpec, body: bytes, **changes: Any) -> None:  # noqa: ANN401 - any field
    model = world.add_model(name, spec, "0")
    version = world.add_version(model, 1, weights=(0.0,) * 5, model_sha256=sha256(body).hexdigest(), **changes)
    world.files.artifacts[version.artifact_key.replace("json", "msgpack")] = body
    world.deploy(model, version)


def ask(world: World, *entries: Any, model: str = "m", **options: Any) -> list[Any]:  # noqa: ANN401 - the wire's own
    request = PredictRequest(model, list(entries), explain=True, **options)
    return predict(request, workspace_id=WORKSPACE, ports=world.ports, now=NOW).results


def add_up(explanation: Any) -> float:  # noqa: ANN401 - of a row, or of its margin
    return explanation.base + sum(explanation.contributions.values())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = build_world(tmp_path_factory.mktemp("pipelines"))
    for name in SERVED:
        serve(world, name, WIDE, compile_classifier(name))
    yield world
    world.journal.calls.clear()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


@pytest.mark.parametrize("name", SERVED)
@settings(max_examples=25)
@given(rows=st.lists(st.tuples(*[VALUES] * 5), min_size=1, max_size=4))
def test_contributions_add_up_to_the_served_score(pipelines: World, name: str, rows: list[tuple[float | None, ...]]) -> None:
    entries = [{f"v__{column}": value for column, value in zip(COLUMNS, row, strict=True)} for row in rows]
    for result in ask(pipelines, *entries, model=name):
        assert set(result.explanation.contributions) == {f"v__{column}" for column in COLUMNS}
        assert add_up(result.explanation) == pytest.approx(result.score, abs=1e-6)
        assert (1 + math.tanh(add_up(result.explanation.margin) / 2)) / 2 == pytest.approx(result.score, abs=1e-6)


def test_a_classification_is_explained_by_feature(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    known, overridden = ask(world, {"id": "c1"}, {"id": "c1", "orders__n": 0}, include_features=True)
    assert known.explanation.margin.contributions["orders__n"] == pytest.approx(1.5)
    assert (known.explanation.margin.scale, known.explanation.margin.base) == ("log_odds", 0.0)
    assert overridden.explanation.contributions["orders__n"] == 0.0
    assert overridden.features["orders__n"] == 0.0
    assert add_up(overridden.explanation) == pytest.approx(overridden.score, abs=1e-12)


def test_every_shown_item_of_a_ranking_is_explained(world: World) -> None:
    model = world.add_model("m", RANKING, ("f9",))
    world.deploy(model, world.add_version(model, 1, weights=(0.1, 0.0, 0.0, 0.1, 0.0)))
    (result,) = ask(world, {"id": "c1"})
    assert tuple(result.explanation.items) == result.prediction == ("f2", "f3", "f1")
    totals = [add_up(part) for part in result.explanation.items.values()]
    assert totals == pytest.approx(result.score, abs=1e-12)


def test_nothing_is_explained_unless_asked_and_what_was_told_is_logged(world: World) -> None:
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    plain = predict(PredictRequest("m", [{"id": "c1"}]), workspace_id=WORKSPACE, ports=world.ports, now=NOW).results[0]
    assert not plain.explanation  # type: ignore[union-attr]
    assert not plain.explanation_unavailable  # type: ignore[union-attr]
    (explained,) = ask(world, {"id": "c1"})
    world.ship()
    logged = world.log.entries[explained.prediction_id]
    assert logged.result["score"] == explained.score
    assert logged.result["explanation"] == msgspec.to_builtins(explained.explanation)
    assert logged.request["explain"] is True


class TestUnavailable:
    def test_the_previous_version_is_a_model_and_explains(self, world: World) -> None:
        model = world.add_model("m", CLASSIFICATION, "0")
        good, bad = (world.add_version(model, number, weights=(0.5, 0.01, -0.1)) for number in (1, 2))
        del world.files.artifacts[bad.artifact_key]
        world.deploy(model, bad, previous=good)
        (result,) = ask(world, {"id": "c1"})
        assert result.answered_by == "previous_version"
        assert add_up(result.explanation) == pytest.approx(result.score, abs=1e-12)

    def test_what_no_model_answered_says_so(self, world: World) -> None:
        bare = world.add_model("bare", CLASSIFICATION, "0")
        lost = world.add_model("lost", CLASSIFICATION, "0")
        world.deploy(lost, world.add_version(lost, 1, weights=(0.5, 0.01, -0.1)))
        world.files.lake.clear()
        drawn = world.add_model("drawn", CLASSIFICATION, "0")
        world.deploy(drawn, world.add_version(drawn, 1, weights=(0.5, 0.01, -0.1)))
        world.experiment(drawn, policy="random", treatment_share=0.0)
        found = {name: ask(world, {"id": "c1"}, model=name)[0] for name in (bare.name, lost.name, drawn.name)}
        assert {name: result.answered_by for name, result in found.items()} == {"bare": "default", "lost": "baseline", "drawn": "random"}
        assert {result.explanation_unavailable for result in found.values()} == {"not_by_model"}
        assert not any(result.explanation for result in found.values())

    def test_scores_of_more_than_two_classes_are_not_explained(self, world: World) -> None:
        slopes = np.arange(15, dtype=np.float64).reshape(3, 5)
        body = encode_compiled(CompiledModel(1, 5, "softmax", (0.0,) * 3, (), Additive(slopes, np.zeros(5), slopes, (), slopes)))
        serve(world, "m", WIDE, body, classes=("0", "1", "2"))
        (result,) = ask(world, {"v__a": 1})
        assert (result.answered_by, result.explanation_unavailable) == ("model", "more_than_two_classes")


@pytest.mark.parametrize(("spec", "most"), [(CLASSIFICATION, 100), (RANKING, 33)])
def test_a_call_may_not_ask_for_more_than_a_bounded_number(world: World, spec: ModelSpec, most: int) -> None:
    world.add_model("m", spec, "0" if spec is CLASSIFICATION else ("f1",))
    assert len(ask(world, *[{"id": "c1"}] * most)) == most
    if most < 100:
        with pytest.raises(InvalidInputError, match="at most 100") as caught:
            ask(world, *[{"id": "c1"}] * (most + 1))
        assert (caught.value.code, caught.value.path) == ("too_many_explanations", "$.explain")


@pytest.mark.parametrize("scale", ["value", "log_value", "log_odds"])
@given(start=st.floats(-30, 30), parts=st.lists(st.floats(-20, 20) | st.floats(-1e-9, 1e-9), min_size=1, max_size=8))
def test_on_every_scale_the_contributions_add_up_and_keep_their_proportions(scale: Any, start: float, parts: list[float]) -> None:  # noqa: ANN401 - a literal
    found = explain_score(Explanation(scale, np.array([start]), np.array([parts])))
    assert found is not None
    total = np.longdouble(start) + sum(np.longdouble(part) for part in parts)
    wanted = {"value": total, "log_value": np.exp(total), "log_odds": 1 / (1 + np.exp(-total))}[scale]
    assert found.base + found.contributions.sum() == pytest.approx(float(wanted), rel=1e-9, abs=1e-9 * max(1.0, found.base))
    slope = found.contributions.sum() / sum(parts) if abs(sum(parts)) > 1e-3 else None
    if slope is not None:
        np.testing.assert_allclose(found.contributions, np.array(parts) * slope, rtol=1e-6, atol=1e-9 * abs(slope))


def test_contributions_that_cancel_each_other_keep_their_size() -> None:
    found = explain_score(Explanation("log_odds", np.array([0.0]), np.array([[5.0, -5.0]])))
    assert found is not None
    assert found.contributions.tolist() == [1.25, -1.25]


@pytest.mark.parametrize("name", [*REGRESSORS])
def test_the_explanation_of_a_value_adds_up_to_it(name: str) -> None:
    model = LoadedModel(compile_pipeline(REGRESSORS[name]().fit(ROWS, make_targets(ROWS)), ROWS))
    for row in ROWS[:20]:
        found = explain_score(model.explain(row))
        assert found is not None
        assert found.base + found.contributions.sum() == pytest.approx(model.run(row[np.newaxis]).item(), abs=1e-6)
