"""Materialises a model's feature views and candidates as of the recipe's cut-off, then a manifest that says what is there.

With `previous.json` beside its output, it starts from an earlier snapshot where that gives the same (docs/adr/0040).
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Optional, Tuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.materialize.incremental import Change, find_touched, renew_view
from emr_steps.materialize.transforms import materialize_view
from presage.spark.files import delete_folder, exists, list_files, read_bytes, write_bytes
from presage.spark.records import read_parts, select_known
from presage.spark.step import run_step
from presage.training.recipe import Recipe, compute_training_set_id, decode_recipe
from presage.training.reuse import PREVIOUS_FILE, decode_previous, find_obstacle, list_fresh
from presage.training.spec import Candidates, Feature, FeatureView

KEYS_PER_FILE = 1_000_000
LARGEST_SHARE_TOUCHED = 0.2
"""Above it, all keys are computed anew: that reads the records once, and not three times."""
COUNTS = FeatureView("candidates", "", (Feature("count", "count"),), "item")
"""How often each item is in the candidates' records. No view of a model can be called so below `candidates/`."""
Json = Dict[str, Any]


class Materializer:
    """One run. `uri` is where the lake begins, with a final slash."""

    def __init__(self, session: SparkSession, recipe_uri: str, output: str) -> None:
        """Read the recipe, and what there is to start from."""
        self.session, self.output = session, output
        self.root = "/".join(recipe_uri.split("/")[:3]) + "/"
        self.recipe = decode_recipe(read_bytes(session, recipe_uri))
        self.parts = {name: read_parts(session, self.root, dataset) for name, dataset in self.recipe.datasets.items()}
        self.records: Dict[str, DataFrame] = {}
        self.previous, self.obstacle = self._find_previous()

    def write(self, view: FeatureView, folder: str) -> Json:
        """Write a view's values below `folder` and return what was written, and how."""
        values, touched = self._compute(view, folder)
        values = values.cache()
        count = values.count()
        files = max(1, -(-count // KEYS_PER_FILE))
        ordered = values.repartition(files, "join_key").sortWithinPartitions("join_key")
        ordered.write.mode("overwrite").parquet(self.output + folder)
        written = []
        for name in list_files(self.session, self.output + folder):
            rows = self.session.read.parquet(f"{self.output}{folder}/{name}").count()
            written.append({"view": view.name, "key": f"{folder}/{name}", "rows": rows})
        return {"keys": count, "touched": touched, "files": written}

    def list_candidates(self, candidates: Candidates) -> List[str]:
        """Return the items most frequent in the records, ties by item id, from their counts as written."""
        counts = self.session.read.parquet(f"{self.output}candidates/counts")
        chosen = counts.orderBy(F.desc("count"), "join_key").limit(candidates.limit)
        return [row["join_key"] for row in chosen.collect()]

    def _find_previous(self) -> Tuple[Optional[Tuple[str, Recipe, Json]], Optional[str]]:
        if not exists(self.session, self.output + PREVIOUS_FILE):
            return None, "there is none"
        found = decode_previous(read_bytes(self.session, self.output + PREVIOUS_FILE))
        folder = self.root + found.prefix
        if not exists(self.session, folder + "manifest.json") or not exists(self.session, self.root + found.recipe_key):
            return None, "its files are gone"
        manifest = json.loads(read_bytes(self.session, folder + "manifest.json"))
        recipe = decode_recipe(read_bytes(self.session, self.root + found.recipe_key))
        if "counts" not in manifest:
            return None, "it was made by an earlier release"
        if manifest["training_set_id"] != compute_training_set_id(recipe):
            return None, "it was made by another recipe"
        obstacle = find_obstacle(recipe, self.recipe)
        return (None, obstacle) if obstacle else ((folder, recipe, manifest), None)

    def _compute(self, view: FeatureView, folder: str) -> Tuple[DataFrame, Optional[int]]:
        """Return the view's values and, if they start from the earlier snapshot's, how many keys were computed anew."""
        if self.previous is not None:
            before, recipe, manifest = self.previous
            keys = [before + file["key"] for file in (*manifest["files"], *manifest["counts"]) if file["key"].startswith(folder + "/")]
            fresh = read_parts(self.session, self.root, list_fresh(recipe, self.recipe)[view.dataset])
            change = Change(self.parts[view.dataset], fresh, recipe.cutoff_us, self.recipe.cutoff_us)
            values = self.session.read.parquet(*keys)
            touched = find_touched(change, view).cache()
            number = touched.count()
            if number <= LARGEST_SHARE_TOUCHED * values.count():
                return renew_view(change, view, values, touched), number
        return materialize_view(self._read_records(view.dataset), view, as_of_us=self.recipe.cutoff_us), None

    def _read_records(self, dataset: str) -> DataFrame:
        if dataset not in self.records:
            self.records[dataset] = select_known(self.parts[dataset], cutoff_us=self.recipe.cutoff_us).cache()
        return self.records[dataset]


def run(session: SparkSession, recipe_uri: str, output: str) -> Json:
    """Write `views/<view>/*.parquet` and `candidates/` below `output` (a final slash), then return the manifest.

    Idempotency: whatever an earlier try left is replaced, and the manifest is written last.
    """
    made = Materializer(session, recipe_uri, output)
    recipe, candidates = made.recipe, made.recipe.spec.candidates
    for folder in ("views", "candidates"):
        delete_folder(session, output + folder)
    views = {view.name: made.write(view, f"views/{view.name}") for view in recipe.spec.feature_views}
    counts: Json = {"files": []}
    items: List[str] = []
    if candidates is not None:
        view = FeatureView(COUNTS.name, candidates.dataset, COUNTS.features, COUNTS.join, candidates.item_column)
        counts = made.write(view, "candidates/counts")
        items = made.list_candidates(candidates)
    write_bytes(session, output + "candidates/items.json", json.dumps(items).encode())
    manifest = {
        "format": 1,
        "training_set_id": compute_training_set_id(recipe),
        "as_of_us": recipe.cutoff_us,
        "files": [file for written in views.values() for file in written["files"]],
        "counts": counts["files"],
        "candidates": len(items),
        "views": {name: {"keys": written["keys"], "touched": written["touched"]} for name, written in views.items()},
        "not_incremental": made.obstacle,
    }
    write_bytes(session, output + "manifest.json", json.dumps(manifest, sort_keys=True).encode())
    return manifest


if __name__ == "__main__":
    run_step("materialize", sys.argv[1:], run)
