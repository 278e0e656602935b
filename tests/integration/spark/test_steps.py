"""A step as it is run: from a recipe and parts in a lake to files and their manifest."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from emr_steps.build_training_set.step import run
from presage.spark.step import parse_arguments
from presage.training.recipe import EPOCH, InputDataset, InputPart, Recipe, compute_training_set_id, encode_recipe, to_microseconds
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations
from tests.integration.spark.oracle import DAY
from tests.integration.spark.worlds import COLUMNS, START, make_events, make_frame

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def put_recipe(spark: SparkSession, lake: Path) -> Recipe:
    events = make_events(random.Random(3), "s", "orders", 40)
    frame = make_frame(spark, "orders", events)
    frame.coalesce(1).write.parquet(str(lake / "parts"))
    parts = tuple(InputPart(str(path).lstrip("/"), "0" * 64, frame.count()) for path in (lake / "parts").glob("*.parquet"))
    spec = ModelSpec(
        "classification", Observations("orders"), Label("orders", 5), (FeatureView("own", "orders", (Feature("n", "count"),)),)
    )
    cutoff = EPOCH + timedelta(microseconds=START + 61 * DAY)
    recipe = Recipe("ws_1", spec, {"orders": InputDataset("ds_1", 1, COLUMNS["orders"], parts)}, to_microseconds(cutoff))
    (lake / "recipe.json").write_bytes(encode_recipe(recipe))
    return recipe


def test_a_second_run_takes_nothing_from_who_reads_what_the_first_one_left(spark: SparkSession, tmp_path: Path) -> None:
    recipe = put_recipe(spark, tmp_path)
    uris = (f"file://{tmp_path}/recipe.json", f"file://{tmp_path}/out/")

    first, second = run(spark, *uris), run(spark, *uris)

    assert first["training_set_id"] == second["training_set_id"] == compute_training_set_id(recipe)
    for manifest in (first, second):
        files = manifest["files"]
        assert isinstance(files, list)
        assert sum(spark.read.parquet(f"{uris[1]}{file['key']}").count() for file in files) == manifest["rows"]
        assert manifest["rows"]


def test_a_folder_is_named_with_or_without_its_slash() -> None:
    given = ["--recipe", "s3://lake/r.json", "--inputs", "s3://lake/a/,s3://lake/b/", "--output"]
    assert [parse_arguments("x", [*given, output]) for output in ("s3://lake/o", "s3://lake/o/")] == [
        ("s3://lake/r.json", "s3://lake/o/")
    ] * 2
