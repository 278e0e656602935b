"""Materialises a model's feature views and candidates as of the recipe's cut-off, then a manifest that says what is there."""

from __future__ import annotations

import json
import sys
from typing import Dict, List

from pyspark.sql import SparkSession

from emr_steps.materialize.transforms import materialize_view
from presage.spark.candidates import list_candidates
from presage.spark.files import delete_folder, list_files, write_bytes
from presage.spark.step import read_inputs, run_step
from presage.training.recipe import compute_training_set_id

KEYS_PER_FILE = 1_000_000


def run(session: SparkSession, recipe_uri: str, output: str) -> Dict[str, object]:
    """Write `views/<view>/*.parquet` and `candidates/items.json` below `output` (a final slash), then return the manifest.

    Idempotency: whatever an earlier try left is replaced, and the manifest is written last.
    """
    recipe, records = read_inputs(session, recipe_uri)
    delete_folder(session, output + "views")
    files: List[Dict[str, object]] = []
    for view in recipe.spec.feature_views:
        values = materialize_view(records[view.dataset], view, as_of_us=recipe.cutoff_us).cache()
        folder = f"{output}views/{view.name}"
        count = max(1, -(-values.count() // KEYS_PER_FILE))
        values.repartition(count, "join_key").sortWithinPartitions("join_key").write.mode("overwrite").parquet(folder)
        for name in list_files(session, folder):
            rows = session.read.parquet(f"{folder}/{name}").count()
            files.append({"view": view.name, "key": f"views/{view.name}/{name}", "rows": rows})
    candidates = recipe.spec.candidates
    items = list_candidates(records[candidates.dataset], candidates) if candidates else []
    write_bytes(session, output + "candidates/items.json", json.dumps(items).encode())
    manifest = {
        "format": 1,
        "training_set_id": compute_training_set_id(recipe),
        "as_of_us": recipe.cutoff_us,
        "files": files,
        "candidates": len(items),
    }
    write_bytes(session, output + "manifest.json", json.dumps(manifest, sort_keys=True).encode())
    return manifest


if __name__ == "__main__":
    run_step("materialize", sys.argv[1:], run)
