"""Builds a training set: reads the recipe and its parts, writes parquet, then the manifest that says what is there."""

from __future__ import annotations

import json
import sys
from typing import Dict, List, Union
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.build_training_set.transforms import TrainingSet, build_training_set
from presage.spark.files import list_files, write_bytes
from presage.spark.step import read_inputs, run_step
from presage.training.recipe import Recipe, compute_training_set_id
from presage.training.spec import feature_columns

ROWS_PER_FILE = 1_000_000
FileCount = Dict[str, Union[str, int]]


def run(session: SparkSession, recipe_uri: str, output: str) -> Dict[str, object]:
    """Write the training set below `output` (a URI with a final slash) and return its manifest.

    Idempotency: rows go into a folder of this run's own, and the manifest, written last, names it. So another run of the same
    recipe takes nothing away from who reads what the manifest named before.
    """
    recipe, records = read_inputs(session, recipe_uri)
    data = f"data/{uuid4().hex}"
    result = build_training_set(records, recipe.spec, cutoff_us=recipe.cutoff_us)
    rows = _select_columns(result.rows, recipe).cache()
    files = max(1, -(-rows.count() // ROWS_PER_FILE))
    order = ["observed_at", "entity_id"] + (["item"] if recipe.spec.candidates else [])
    rows.repartition(files, "entity_id").sortWithinPartitions(*order).write.parquet(output + data)
    usable = {name: frame.count() for name, frame in records.items()}
    manifest = _build_manifest(session, recipe, result, output=output, data=data)
    manifest["records"] = {name: {"usable": usable[name], "read": _count_rows(recipe, name)} for name in sorted(recipe.datasets)}
    write_bytes(session, output + "manifest.json", json.dumps(manifest, sort_keys=True).encode())
    return manifest


def _select_columns(rows: DataFrame, recipe: Recipe) -> DataFrame:
    items = ["item", "popularity"] if recipe.spec.candidates else []
    observed_at = F.timestamp_micros("at_us").cast("timestamp_ntz").alias("observed_at")
    return rows.select("entity_id", observed_at, "split", *items, "label", *feature_columns(recipe.spec))


def _build_manifest(session: SparkSession, recipe: Recipe, result: TrainingSet, *, output: str, data: str) -> Dict[str, object]:
    """Return the manifest, with everything in it counted in the files as written, not as planned."""
    written = session.read.parquet(output + data)
    files: List[FileCount] = [
        {"key": f"{data}/{name}", "rows": session.read.parquet(f"{output}{data}/{name}").count()}
        for name in list_files(session, output + data)
    ]
    by = ["split"] if recipe.spec.kind == "regression" else ["split", "label"]
    labels = {"/".join(str(row[name]) for name in by): row["count"] for row in written.groupBy(*by).count().collect()}
    return {
        "format": 1,
        "training_set_id": compute_training_set_id(recipe),
        "rows": sum(int(file["rows"]) for file in files),
        "columns": written.columns,
        "labels": labels,
        "files": files,
        "observations": result.counts,
        "boundary_us": result.boundary_us,
        "candidates": result.candidates,
    }


def _count_rows(recipe: Recipe, name: str) -> int:
    return sum(part.rows for part in recipe.datasets[name].parts)


if __name__ == "__main__":
    run_step("build_training_set", sys.argv[1:], run)
