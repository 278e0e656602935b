"""Every kind of model, fitted, judged, told of and compiled."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.predictions.loaded_model import LoadedModel
from presage.training.artifact import ModelArtifact
from presage.training.compiled import decode_compiled
from presage.training.spec import ModelSpec, Training
from services.trainer.algorithms import choose_trial
from services.trainer.app import REFUSED, run
from services.trainer.fitting import IDENTITY, Plan, fit
from services.trainer.search import search
from services.trainer.training_data import read_training_data
from tests.fixtures.training import CLASSIFICATION, MULTICLASS, RANKING, REGRESSION, TRAINING_SET, build_recipe
from tests.fixtures.training_sets import ARTIFACT, FIT, make_classification, make_ranking, put_training_set

REPORT = "ws=ws_1/reports/mdl_1/00000001/"
PLOTS = {
    "regression": {"residuals"},
    "ranking": {"lists"},
    "classification": {"reliability", "roc", "precision_recall", "gain"},
    "multiclass": {"reliability"},
}


@pytest.fixture
def files() -> MemoryTrainingFiles:
    return MemoryTrainingFiles()


def fit_model(files: MemoryTrainingFiles, spec: ModelSpec, frame: pl.DataFrame) -> tuple[ModelArtifact, dict[str, Any], LoadedModel]:
    put_training_set(files, build_recipe(spec), frame)
    assert run(FIT, files) == 0
    artifact = msgspec.json.decode(files.artifacts[f"{ARTIFACT}model.json"], type=ModelArtifact)
    metrics = msgspec.json.decode(files.artifacts[f"{ARTIFACT}metrics.json"])
    return artifact, metrics, LoadedModel(decode_compiled(files.artifacts[artifact.model_key]))


def make_noisy(chance: float = 0.15) -> pl.DataFrame:
    """Return rows whose labels are turned round by chance, so that no model is sure with right."""
    turned = iter(np.random.default_rng(4).random(600) < chance)
    return make_classification(lambda orders: int(orders > 5) ^ int(next(turned)))


def test_a_number_is_learnt_and_judged_beside_the_mean(files: MemoryTrainingFiles) -> None:
    artifact, metrics, model = fit_model(files, REGRESSION, make_classification(lambda orders: 3.5 * orders))
    assert (artifact.classes, artifact.width) == ((), 1)
    assert metrics["verdict"] == {"primary": "rmse", "beats_baseline": True, "confidence_level": 0.95}
    assert metrics["model"]["mae"]["value"] < 0.1
    assert metrics["baseline"]["mae"]["value"] > 1
    assert float(artifact.baseline[0]) == pytest.approx(15.75, abs=1.5)
    assert model.run(np.array([[4.0, 4.0]]))[0, 0] == pytest.approx(14.0, abs=0.2)


def test_a_class_of_many_is_learnt_and_judged_beside_their_shares(files: MemoryTrainingFiles) -> None:
    frame = make_classification(lambda orders: ("nothing", "book", "toy")[orders % 3])
    artifact, metrics, model = fit_model(files, MULTICLASS, frame)
    assert artifact.classes == ("book", "nothing", "toy")
    assert artifact.baseline == ("nothing",)
    assert metrics["verdict"]["primary"] == "log_loss"
    assert metrics["verdict"]["beats_baseline"]
    assert metrics["model"]["macro_auc"]["value"] == 1.0
    assert metrics["baseline"]["macro_auc"]["value"] == 0.5
    answers = model.run(np.array([[4.0, 4.0], [5.0, 5.0], [3.0, 3.0]]))
    assert answers.argmax(axis=1).tolist() == [0, 2, 1]
    confusion = msgspec.json.decode(files.lake[f"{REPORT}report.json"])["confusion"]
    assert np.array(confusion["rows_by_class_and_answer"]).sum() == np.trace(confusion["rows_by_class_and_answer"]) == 150


def test_a_class_that_the_train_split_lacks_is_answered_by_what_is_registered(files: MemoryTrainingFiles) -> None:
    frame = make_classification(lambda orders: "book" if orders > 5 else "nothing")
    late = frame.with_columns(label=pl.when(pl.int_range(pl.len()) >= 560).then(pl.lit("toy")).otherwise("label"))
    artifact, metrics, model = fit_model(files, MULTICLASS, late)
    assert artifact.classes == ("book", "nothing", "toy")
    assert model.run(np.array([[4.0, 4.0]])).shape == (1, 3)
    assert metrics["model"]["log_loss"]["value"] > 1  # a fourth of the test split was thought impossible


@pytest.mark.parametrize("name", PLOTS)
def test_a_report_has_its_plots_and_card(files: MemoryTrainingFiles, name: str) -> None:
    spec, frame = {
        "regression": (replace(REGRESSION, segment_by="people__orders"), make_classification(lambda orders: 3.5 * orders)),
        "ranking": (replace(RANKING, segment_by="people__orders"), make_ranking()),
        "classification": (replace(CLASSIFICATION, segment_by="people__last"), make_noisy()),
        "multiclass": (replace(MULTICLASS, segment_by="people__last"), make_classification(lambda orders: str(orders % 3))),
    }[name]
    _, metrics, _ = fit_model(files, spec, frame)
    report = msgspec.json.decode(files.lake[f"{REPORT}report.json"])
    assert report["metrics"] == metrics
    assert set(report["curves"]) == PLOTS[name]
    drawn = {key.removeprefix(f"{REPORT}plots/"): body for key, body in files.lake.items() if key.startswith(f"{REPORT}plots/")}
    assert set(drawn) == {f"{plot}.svg" for plot in PLOTS[name]}
    assert all(b"<svg role=" in body and len(body) < 60_000 for body in drawn.values())
    segments = report["segments"]["values"]
    assert sum(segment["rows"] for segment in segments.values()) == report["metrics"]["rows"]["test"]
    assert any("gain" in segment for segment in segments.values())
    card = files.lake[f"{REPORT}card.md"].decode()
    told = msgspec.json.decode(files.lake[f"{REPORT}card.json"])
    assert told["training_set"]["training_set_id"] in card
    assert told["inputs"] == {"orders": {"dataset_id": "ds_1", "version": 3}}
    assert f"beats its baseline: {'yes' if metrics['verdict']['beats_baseline'] else 'not shown'}" in card.lower()
    assert "open_window: 3" in card
    assert all(f"| {metric} |" in card for metric in metrics["model"])


def test_a_search_takes_the_best_of_its_trials_and_is_the_same_again(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_recipe(replace(CLASSIFICATION, training=Training(trials=6))), make_noisy())
    data = read_training_data(files, TRAINING_SET)
    told: list[tuple[float, str]] = []
    found = search(data, seed=1, clock=lambda: 0.0, report=lambda fraction, message: told.append((fraction, message)))
    assert found.ended_by == "trials"
    assert found.trial == max(found.tried, key=lambda tried: tried.merit).trial
    assert [fraction for fraction, _ in told] == [number / 6 for number in range(1, 7)]
    assert told[-1][1].startswith("trial 6 of 6: best so far ")
    assert {tried.trial.algorithm for tried in found.tried} == {"gradient_boosting", "histogram_boosting", "linear"}
    assert search(data, seed=1, clock=lambda: 0.0, report=lambda *_: None) == found


def test_a_search_begins_nothing_when_its_time_has_passed_and_has_tried_once(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_recipe(replace(CLASSIFICATION, training=Training(trials=6, seconds=10))), make_noisy())
    data = read_training_data(files, TRAINING_SET)
    for times, tried in (([0.0, 9.9, 10.0], 2), ([0.0, 99.0], 1)):
        ticks = iter(times)
        found = search(data, seed=1, clock=lambda ticks=ticks: next(ticks), report=lambda *_: None)  # type: ignore[misc]
        assert (len(found.tried), found.ended_by) == (tried, "seconds")


def test_what_a_search_found_is_registered_and_told(files: MemoryTrainingFiles) -> None:
    fit_model(files, replace(REGRESSION, training=Training(trials=5)), make_classification(lambda orders: 3.5 * orders))
    found = msgspec.json.decode(files.lake[f"{REPORT}report.json"])["search"]
    assert found["trials"] == len(found["board"]) == 5
    assert found["board"][0]["algorithm"] == found["algorithm"]
    assert [trial["merit"] for trial in found["board"]] == sorted((trial["merit"] for trial in found["board"]), reverse=True)
    assert msgspec.json.decode(files.artifacts[f"{ARTIFACT}progress.json"])["fraction"] == 1.0


@pytest.mark.parametrize("number", range(8))
def test_every_trial_of_every_kind_can_be_compiled(files: MemoryTrainingFiles, number: int) -> None:

    for spec, frame in ((RANKING, make_ranking()), (REGRESSION, make_classification(float)), (CLASSIFICATION, make_noisy())):
        put_training_set(files, build_recipe(spec), frame)
        data = read_training_data(files, TRAINING_SET)
        trial = choose_trial(number, spec.kind, seed=3)
        fitted = fit(data.train, Plan(spec, trial, data.columns, len(data.classes), 1))
        answers = LoadedModel(fitted.compile(data.train.features)).run(data.test.features)
        assert answers == pytest.approx(fitted.predict_known(data.test.features), abs=1e-6)


def test_balanced_classes_are_calibrated_back_to_their_shares(files: MemoryTrainingFiles) -> None:
    rare = iter(np.random.default_rng(4).random(600))
    frame = make_classification(lambda orders: int(next(rare) < 0.02 + 0.16 * (orders > 6)))
    for options, off in ((Training(balance=True), 0.03), (Training(calibrate=True), 0.03)):
        put_training_set(files, build_recipe(replace(CLASSIFICATION, training=options)), frame)
        data = read_training_data(files, TRAINING_SET)

        spec = data.recipe.spec
        fitted = fit(data.labelled, Plan(spec, choose_trial(0, spec.kind, seed=1), data.columns, 2, 1))
        assert fitted.calibration is not IDENTITY
        assert fitted.score(data.labelled.features).mean() == pytest.approx(data.labelled.labels.mean(), abs=off)
        answers = LoadedModel(fitted.compile(data.labelled.features)).run(data.test.features)
        assert answers == pytest.approx(fitted.predict(data.test.features), abs=1e-9)


def test_too_many_classes_are_refused(files: MemoryTrainingFiles) -> None:
    numbers = iter(range(600))
    put_training_set(files, build_recipe(MULTICLASS), make_classification(lambda _: f"c{next(numbers) % 150}"))
    assert run(FIT, files) == REFUSED
    assert "150 classes" in msgspec.json.decode(files.artifacts[f"{ARTIFACT}failure.json"])["message"]


def test_one_value_for_all_is_refused(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_recipe(REGRESSION), make_classification(lambda _: 1.0))
    assert run(FIT, files) == REFUSED
    assert "1 different values" in msgspec.json.decode(files.artifacts[f"{ARTIFACT}failure.json"])["message"]
