"""A new version beside the one that serves."""

from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.training.spec import ModelSpec
from services.trainer.app import REFUSED, run
from tests.fixtures.training import CLASSIFICATION, MULTICLASS, RANKING, REGRESSION, TRAINING_SET, build_recipe
from tests.fixtures.training_sets import make_classification, make_ranking, put_training_set

FIRST, SECOND = "ws=ws_1/models/mdl_1/1/", "ws=ws_1/models/mdl_1/2/"


def fit(files: MemoryTrainingFiles, spec: ModelSpec, frame: pl.DataFrame, *, second: bool = False) -> dict[str, Any]:
    """Fit version 1, or 2 beside it, and return the metrics."""
    put_training_set(files, build_recipe(spec), frame)
    artifact, number = (SECOND, "2") if second else (FIRST, "1")
    place = ["--training-set", TRAINING_SET, "--artifact", artifact, "--model-id", "mdl_1", "--version", number]
    assert run(["fit", *place, *(["--champion", FIRST] if second else [])], files) == 0
    found: dict[str, Any] = msgspec.json.decode(files.artifacts[f"{artifact}metrics.json"])
    return found


@pytest.fixture
def files() -> MemoryTrainingFiles:
    return MemoryTrainingFiles()


def learn_nothing(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the features of others."""
    return frame.with_columns(frame.select("people__orders", "people__last").sample(fraction=1.0, shuffle=True, seed=3))


def test_a_version_that_learnt_what_the_champion_could_not_is_better(files: MemoryTrainingFiles) -> None:
    truth = make_classification(lambda orders: int(orders > 5))
    fit(files, CLASSIFICATION, learn_nothing(truth))

    champion = fit(files, CLASSIFICATION, truth, second=True)["champion"]

    assert (champion["better"], champion["primary"]) == (True, "log_loss")
    assert 0.0 < champion["gain"]["lower"] < champion["gain"]["value"]
    assert champion["champion"]["value"] > champion["model"]["value"]


def test_the_same_again_is_not_better(files: MemoryTrainingFiles) -> None:
    truth = make_classification(lambda orders: int(orders > 5))
    first = fit(files, CLASSIFICATION, truth)

    second = fit(files, CLASSIFICATION, truth, second=True)

    assert "champion" not in first
    assert (second["champion"]["better"], second["champion"]["gain"]["value"]) == (False, 0.0)
    assert second["champion"]["champion"] == second["champion"]["model"]
    assert second["champion"]["model"]["value"] == pytest.approx(second["model"]["log_loss"]["value"], rel=1e-9)


def test_what_is_compared_never_saw_the_entities_of_the_test_split(files: MemoryTrainingFiles) -> None:
    """A registered model has learnt the test split by heart; the champion that was judged has not."""
    generator = np.random.default_rng(9)
    noise = make_classification(lambda _: int(generator.integers(2)))
    first = fit(files, CLASSIFICATION, noise)

    second = fit(files, CLASSIFICATION, noise, second=True)

    assert second["champion"]["champion"]["value"] == pytest.approx(first["model"]["log_loss"]["value"], rel=1e-9)


@pytest.mark.parametrize("kind", ["regression", "ranking", "multiclass"])
def test_every_kind_is_compared(files: MemoryTrainingFiles, kind: str) -> None:
    spec, frame = {
        "regression": (REGRESSION, make_classification(lambda orders: 3.5 * orders)),
        "ranking": (RANKING, make_ranking()),
        "multiclass": (MULTICLASS, make_classification(lambda orders: ("nothing", "book", "toy")[orders % 3])),
    }[kind]
    fit(files, spec, frame)

    champion = fit(files, spec, frame, second=True)["champion"]

    assert (champion["better"], champion["gain"]["value"]) == (False, 0.0)


def test_a_class_that_the_champion_does_not_know_costs_it_the_comparison_and_no_error(files: MemoryTrainingFiles) -> None:
    fit(files, MULTICLASS, make_classification(lambda orders: "book" if orders > 5 else "nothing"))

    champion = fit(files, MULTICLASS, make_classification(lambda orders: ("nothing", "book", "toy")[orders % 3]), second=True)["champion"]

    assert champion["better"]
    assert champion["champion"]["value"] > champion["model"]["value"]


def test_a_champion_without_a_judged_model_is_not_beaten(files: MemoryTrainingFiles) -> None:
    truth = make_classification(lambda orders: int(orders > 5))

    champion = fit(files, CLASSIFICATION, truth, second=True)["champion"]

    assert champion == {"better": False, "reason": "the version in service was built before judged models were kept"}


def test_a_champion_whose_bytes_changed_is_refused(files: MemoryTrainingFiles) -> None:
    truth = make_classification(lambda orders: int(orders > 5))
    fit(files, CLASSIFICATION, truth)
    files.put_artifact(f"{FIRST}judged.msgpack", b"something else")

    place = ["--training-set", TRAINING_SET, "--artifact", SECOND, "--model-id", "mdl_1", "--version", "2", "--champion", FIRST]

    assert run(["fit", *place], files) == REFUSED
    assert "checksum" in msgspec.json.decode(files.artifacts[f"{SECOND}failure.json"])["message"]
