"""Joins on Spark in a process of its own: `python -m benchmarks.training_spark`.

Takes one JSON object a line, {"way": one of `WAYS`, "folder": …, "output": …, "rows": …}, and answers the
seconds. The session is started once, before the first; all ways run in it.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from benchmarks.peers.joined import FEATURES, LABELS, SETS
from emr_steps.build_training_set.transforms import join_views, list_columns, select_columns
from presage.spark.columnar import plan
from presage.spark.step import read_records
from presage.training.recipe import InputDataset, InputPart, Recipe
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations

MEMORY = "6g"
FAR_US = 4_000_000_000_000_000
ROW_COLUMNS = ("entity_id", "at_us", "split", "label")


def start_session(folder: Path) -> SparkSession:
    """Return a session on two cores."""
    return (
        SparkSession.builder.master("local[2]")
        .appName("bench-training")
        .config("spark.driver.memory", MEMORY)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.local.dir", str(folder / "spark"))
        .config("spark.executorEnv.PYTHONPATH", ":".join(sys.path))
        .getOrCreate()
    )


def build_recipe(folder: Path, rows: int) -> Recipe:
    """Return the recipe of all features' latest values."""
    views = tuple(FeatureView(name, name, tuple(Feature(feature, "latest", feature) for feature in FEATURES)) for name in SETS)
    columns = dict.fromkeys(FEATURES, "number")
    datasets = {name: InputDataset(name, 1, columns, (InputPart(str(folder / f"{name}.parquet").lstrip("/"), "", rows),)) for name in SETS}
    return Recipe("bench", ModelSpec("classification", Observations("orders"), Label("orders", 1), views), datasets, FAR_US)


def join_by_columns(session: SparkSession, folder: Path, output: Path, rows: int, *, judged: bool = False) -> None:
    """Write the training set by the columnar plan; as the step does it if judged."""
    recipe = build_recipe(folder, rows)
    labels = plan.Rows(f"file://{(folder / LABELS).parent}", rows, ROW_COLUMNS)
    place = plan.Place("file:///", f"file://{output}/", list_columns(recipe.spec), judged=judged)
    plan.join_views(session, labels, recipe, views=recipe.spec.feature_views, place=place)


def join_by_sql(session: SparkSession, folder: Path, output: Path, rows: int) -> None:
    """Write the training set by the plan in SQL, as the step does."""
    recipe = build_recipe(folder, rows)
    records = read_records(session, "file:///", recipe, SETS)
    labels = session.read.parquet(f"file://{folder}/{LABELS}").select(*ROW_COLUMNS)
    joined = select_columns(join_views(labels, records, recipe.spec.feature_views), recipe.spec)
    joined.repartition(max(1, rows // 1_000_000), "entity_id").sortWithinPartitions("observed_at", "entity_id").write.parquet(
        f"file://{output}"
    )
    for frame in records.values():
        frame.unpersist()


def join_by_union(session: SparkSession, folder: Path, output: Path, _rows: int) -> None:
    """Write the rows by one union and one window, the last values before each label: by the event's clock alone, ids unchecked."""
    labels = session.read.parquet(f"file://{folder}/{LABELS}").select("entity_id", "event_timestamp", "label", F.lit(1).alias("asked"))
    both: DataFrame = labels
    for name in SETS:
        records = session.read.parquet(f"file://{folder}/{name}.parquet")
        values = F.struct(*[F.col(feature) for feature in FEATURES]).alias(name)
        both = both.unionByName(records.select("entity_id", "event_timestamp", F.lit(0).alias("asked"), values), allowMissingColumns=True)
    so_far = Window.partitionBy("entity_id").orderBy("event_timestamp", "asked").rowsBetween(Window.unboundedPreceding, 0)
    newest = [F.last(name, ignorenulls=True).over(so_far).alias(name) for name in SETS]
    filled = both.select("entity_id", "event_timestamp", "label", "asked", *newest).where("asked = 1")
    columns = [F.col(f"{name}.{feature}").alias(f"{name}__{feature}") for name in SETS for feature in FEATURES]
    filled.select("entity_id", "event_timestamp", "label", *columns).write.parquet(f"file://{output}")


WAYS: Mapping[str, Callable[[SparkSession, Path, Path, int], None]] = {
    "presage": join_by_columns,
    "presage_sql": join_by_sql,
    "union": join_by_union,
    "presage_judged": partial(join_by_columns, judged=True),
}


def main() -> None:
    """Answer until the input ends."""
    session: Any = None
    for line in sys.stdin:
        asked = json.loads(line)
        folder, output = Path(asked["folder"]), Path(asked["output"])
        session = session or start_session(folder)
        shutil.rmtree(output, ignore_errors=True)
        began = time.perf_counter()
        WAYS[asked["way"]](session, folder, output, asked["rows"])
        sys.stdout.write(f"{json.dumps({'seconds': time.perf_counter() - began})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
