"""Builds a training set: reads the recipe and its parts, writes parquet, then the manifest that says what is there."""

from __future__ import annotations

import json
import sys
from typing import Dict, List, Mapping, Tuple, Union
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.build_training_set.findings import compute_findings
from emr_steps.build_training_set.transforms import (
    Unjoined,
    build_rows,
    join_views,
    list_columns,
    list_row_datasets,
    list_views,
    select_columns,
)
from presage.spark.columnar import plan
from presage.spark.derived import add_derived
from presage.spark.files import delete_folder, list_files, write_bytes
from presage.spark.records import read_parts
from presage.spark.step import read_recipe, read_records, run_step
from presage.training.findings import Findings, describe_leaks, describe_statistics
from presage.training.recipe import Recipe, compute_training_set_id
from presage.training.spec import view_columns

ROWS_PER_FILE = 1_000_000
KEY_RECORDS = 5_000_000
"""A key with more records in a dataset is joined in SQL, which spills; by columns, a worker holds all of a key's (docs/adr/0035)."""

FileCount = Dict[str, Union[str, int]]


def run(session: SparkSession, recipe_uri: str, output: str, *, key_records: int = KEY_RECORDS) -> Dict[str, object]:
    """Write the training set below `output` (a URI with a final slash) and return its manifest.

    Which plan joins is the recipe's to decide, so the same recipe gives the same files, byte by byte.
    Idempotency: rows go into a folder of this run's own, and the manifest, written last, names it. So another run of the same
    recipe takes nothing away from who reads what the manifest named before.
    """
    recipe, root = read_recipe(session, recipe_uri)
    columnar = not _has_longer_key(session, root, recipe, key_records)
    records = read_records(session, root, recipe, list_row_datasets(recipe.spec) if columnar else recipe.datasets)
    unjoined = build_rows(records, recipe.spec, cutoff_us=recipe.cutoff_us)
    data = f"data/{uuid4().hex}"
    usable = {name: frame.count() for name, frame in records.items()}
    if columnar:
        counted, found = _join_by_columns(session, unjoined.rows, recipe, root=root, output=output, data=data)
        usable.update(counted)
    else:
        found = _join_by_sql(unjoined.rows, records, recipe, output + data)
    manifest = _build_manifest(session, recipe, unjoined, output=output, data=data)
    _write_json(session, f"{output}statistics.json", describe_statistics(found))
    _write_json(session, f"{output}leak_report.json", describe_leaks(found, view_columns(recipe.spec)))
    manifest["plan"] = "columnar" if columnar else "sql"
    manifest["records"] = {name: {"usable": usable[name], "read": _count_rows(recipe, name)} for name in sorted(recipe.datasets)}
    _write_json(session, f"{output}manifest.json", manifest)
    return manifest


def _has_longer_key(session: SparkSession, root: str, recipe: Recipe, limit: int) -> bool:
    """Return whether a key that views join by has more than `limit` records; only datasets that have as many are read for it."""
    keys = sorted({(view.dataset, view.key_column) for view in recipe.spec.feature_views})
    for dataset, key in ((dataset, key) for dataset, key in keys if _count_rows(recipe, dataset) > limit):
        counted = read_parts(session, root, recipe.datasets[dataset]).where(F.col(key).isNotNull()).groupBy(key).count()
        if counted.where(F.col("count") > limit).limit(1).count():
            return True
    return False


def _write_json(session: SparkSession, uri: str, told: Dict[str, object]) -> None:
    write_bytes(session, uri, json.dumps(told, sort_keys=True, allow_nan=False).encode())


def _join_by_sql(rows: DataFrame, records: Mapping[str, DataFrame], recipe: Recipe, folder: str) -> Findings:
    """Write the joined rows and return what was found in them."""
    joined = add_derived(join_views(rows, records, list_views(recipe.spec)), recipe.spec).cache()
    files = max(1, -(-joined.count() // ROWS_PER_FILE))
    order = ["observed_at", "entity_id"] + (["item"] if recipe.spec.candidates else [])
    selected = select_columns(joined, recipe.spec)
    selected.repartition(files, "entity_id").sortWithinPartitions(*order).write.parquet(folder)
    return compute_findings(rows.sparkSession.read.parquet(folder), joined, rows, records, recipe)


def _join_by_columns(
    session: SparkSession, rows: DataFrame, recipe: Recipe, *, root: str, output: str, data: str
) -> Tuple[Dict[str, int], Findings]:
    """Write the joined rows, and return how many records of the views' datasets were usable and what was found."""
    work = f"{output}work/{uuid4().hex}"
    try:
        rows.write.parquet(work)
        written = plan.join_views(
            session,
            plan.Rows(work, session.read.parquet(work).count(), tuple(rows.columns)),
            recipe,
            views=list_views(recipe.spec),
            place=plan.Place(root, f"{output}{data}/", list_columns(recipe.spec)),
        )
    finally:
        delete_folder(session, work)
    return written.usable, written.found


def _build_manifest(session: SparkSession, recipe: Recipe, result: Unjoined, *, output: str, data: str) -> Dict[str, object]:
    """Return the manifest, with everything in it counted in the files as written, not as planned."""
    files: List[FileCount] = [
        {"key": f"{data}/{name}", "rows": session.read.parquet(f"{output}{data}/{name}").count()}
        for name in list_files(session, output + data)
    ]
    by = ["split"] if recipe.spec.kind == "regression" else ["split", "label"]
    counted = session.read.parquet(output + data).groupBy(*by).count().collect() if files else []
    labels = {"/".join(str(row[name]) for name in by): row["count"] for row in counted}
    return {
        "format": 1,
        "training_set_id": compute_training_set_id(recipe),
        "rows": sum(int(file["rows"]) for file in files),
        "columns": list(list_columns(recipe.spec)),
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
