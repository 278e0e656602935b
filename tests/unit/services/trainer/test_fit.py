import math
from datetime import UTC, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.predictions.loaded_model import LoadedModel
from presage.training.artifact import ModelArtifact
from presage.training.compiled import decode_compiled
from presage.training.recipe import encode_recipe, to_microseconds
from presage.training.reference import PREDICTION, Reference
from presage.training.sampling import sample_items
from services.trainer.app import REFUSED, run
from services.trainer.training_data import read_training_data
from tests.fixtures.training import TRAINING_SET, build_classification_recipe, build_ranking_recipe
from tests.fixtures.training_sets import ARTIFACT, DAY, FIT, make_classification, make_ranking, put_training_set


@pytest.fixture
def files() -> MemoryTrainingFiles:
    return MemoryTrainingFiles()


def test_a_classification_that_can_be_learnt_beats_the_prior(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_classification_recipe(), make_classification(lambda orders: int(orders > 5)))

    assert run(FIT, files) == 0

    metrics = msgspec.json.decode(files.artifacts[f"{ARTIFACT}metrics.json"])
    assert metrics["verdict"]["beats_baseline"]
    assert metrics["model"]["auc"]["value"] == 1.0
    assert metrics["baseline"]["auc"]["value"] == 0.5
    assert metrics["rows"] == {"train": 450, "fitted": 450, "test": 150, "registered": 600}
    artifact = msgspec.json.decode(files.artifacts[f"{ARTIFACT}model.json"], type=ModelArtifact)
    assert (artifact.columns, artifact.classes, artifact.baseline) == (("people__orders", "people__last"), ("0", "1"), ("0",))
    assert artifact.parity.largest_difference < 1e-11
    assert (artifact.parity.tolerance, artifact.parity.rows) == (1e-6, 150)
    assert artifact.parity.probes > 600
    answered = LoadedModel(decode_compiled(files.artifacts[artifact.model_key])).run(np.array([[9.0, 9.0], [0.0, math.nan]]))
    assert answered.shape == (2, 2)
    assert answered[0, 1] > 0.95
    assert answered[1, 1] < 0.05


def test_a_ranking_is_judged_by_its_first_items_and_falls_back_to_the_candidates(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_ranking_recipe(), make_ranking())

    assert run(FIT, files) == 0

    metrics = msgspec.json.decode(files.artifacts[f"{ARTIFACT}metrics.json"])
    assert metrics["model"]["ndcg_at_3"]["value"] == 1.0
    assert metrics["baseline"]["hit_at_3"]["value"] == 0.0
    assert metrics["observations"] == {"train": 60, "test": 20}
    assert metrics["rows"] == {"train": 600, "fitted": 600, "test": 200, "registered": 60 * 10 + 20 * 5}
    artifact = msgspec.json.decode(files.artifacts[f"{ARTIFACT}model.json"], type=ModelArtifact)
    assert artifact.baseline == ("i0", "i1")


def test_what_is_registered_knows_the_rows_behind_the_train_split_and_what_is_judged_does_not(files: MemoryTrainingFiles) -> None:
    frame = make_classification(lambda orders: int(orders > 5))
    changed = (pl.col("split") == "train") & (pl.int_range(pl.len()) >= 150)
    turned = frame.with_columns(
        split=pl.when(changed).then(pl.lit("unused")).otherwise("split"),
        label=pl.when(changed | (pl.col("split") == "test")).then(1 - pl.col("label")).otherwise("label"),
    )
    put_training_set(files, build_classification_recipe(), turned)

    assert run(FIT, files) == 0

    metrics = msgspec.json.decode(files.artifacts[f"{ARTIFACT}metrics.json"])
    assert metrics["model"]["auc"]["value"] == 0.0
    assert metrics["rows"] == {"train": 150, "fitted": 150, "test": 150, "registered": 600}
    compiled = decode_compiled(files.artifacts[f"{ARTIFACT}model.msgpack"])
    answered = LoadedModel(compiled).run(np.array([[9.0, 9.0], [0.0, math.nan]]))
    assert answered[0, 1] < 0.5
    assert answered[1, 1] > 0.5


def test_a_test_observation_is_learnt_from_as_spark_would_have_sampled_it(files: MemoryTrainingFiles) -> None:
    recipe, frame = build_ranking_recipe(), make_ranking()
    put_training_set(files, recipe, frame)

    data = read_training_data(files, TRAINING_SET)

    at_us = to_microseconds((DAY + timedelta(days=79)).replace(tzinfo=UTC))
    expected = sample_items((f"i{item}" for item in range(10)), frozenset({"i7"}), negatives_per_positive=4, seed=f"p79\x00{at_us}")
    last = data.labelled.observations == data.labelled.observations.max()
    learnt = [(item, int(label)) for item, label, mine in zip(data.labelled.items, data.labelled.labels, last, strict=True) if mine]
    assert sorted(learnt) == sorted(expected)


def test_fitting_again_writes_the_same_bytes(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_ranking_recipe(), make_ranking())
    run(FIT, files)
    first = dict(files.artifacts)
    run(FIT, files)
    assert files.artifacts == first


def test_the_distributions_that_it_was_trained_on_are_kept_of_one_row_an_entity(files: MemoryTrainingFiles) -> None:
    frame = make_classification(lambda orders: int(orders > 5))
    twice = pl.concat([frame, frame.with_columns(observed_at=pl.col("observed_at") - timedelta(days=99), people__orders=pl.lit(77.0))])
    put_training_set(files, build_classification_recipe(), twice)
    assert run(FIT, files) == 0

    reference = msgspec.json.decode(files.artifacts[f"{ARTIFACT}reference.json"], type=Reference)

    orders, last, prediction = reference.columns
    assert (orders.name, last.name, prediction.name) == ("people__orders", "people__last", PREDICTION)
    shown = frame["people__orders"].value_counts().sort("people__orders")
    assert (orders.edges, orders.counts) == (tuple(shown["people__orders"][1:]), (*shown["count"], 0))
    assert last.counts[-1] == frame["people__last"].null_count()
    assert (sum(orders.counts), sum(prediction.counts)) == (600, 150)
    assert 0.0 < prediction.edges[0] <= prediction.edges[-1] < 1.0


def test_a_rankings_items_and_scores_have_no_reference(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_ranking_recipe(), make_ranking())
    run(FIT, files)

    reference = msgspec.json.decode(files.artifacts[f"{ARTIFACT}reference.json"], type=Reference)

    assert [column.name for column in reference.columns] == ["people__orders", "people__last"]
    assert [sum(column.counts) for column in reference.columns] == [80, 80]


def test_one_class_is_refused_with_the_reason_and_nothing_half_written(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_classification_recipe(), make_classification(lambda _: 1))

    assert run(FIT, files) == REFUSED

    assert list(files.artifacts) == [f"{ARTIFACT}failure.json"]
    failure = msgspec.json.decode(files.artifacts[f"{ARTIFACT}failure.json"])
    assert (failure["code"], failure["training_set"]) == ("invalid_input", FIT[FIT.index("--training-set") + 1])
    assert "450 with label 1" in failure["message"]


def test_an_entity_in_both_splits_is_refused(files: MemoryTrainingFiles) -> None:
    frame = make_classification(lambda orders: int(orders > 5)).with_columns(entity_id=pl.lit("p1"))
    put_training_set(files, build_classification_recipe(), frame)
    assert run(FIT, files) == REFUSED
    assert "both splits" in msgspec.json.decode(files.artifacts[f"{ARTIFACT}failure.json"])["message"]


def test_another_recipes_training_set_is_refused(files: MemoryTrainingFiles) -> None:
    put_training_set(files, build_classification_recipe(), make_classification(lambda orders: int(orders > 5)))
    files.put_lake(f"{TRAINING_SET}recipe.json", encode_recipe(build_ranking_recipe()))
    assert run(FIT, files) == REFUSED
