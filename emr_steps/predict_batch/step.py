"""Scores entities with one version of a model, partition by partition; what an earlier run finished is not done again.

The driver needs Spark and the standard library only. Its workers import the scorer, whose packages come in an archive (docs/adr/0039).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List

from pyspark import SparkFiles
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.predict_batch.transforms import SCHEMAS, choose_entities, is_usable, read_ids
from presage.batch_predictions.order import (
    ARTIFACT_FILE,
    FORMAT,
    MODEL_FILE,
    ORDER_FILE,
    Order,
    build_prefix,
    count_partitions,
    decode_order,
)
from presage.spark.files import exists, list_files, read_bytes, write_bytes
from presage.spark.step import run_step

ENVIRONMENT = "environment"
"""What the archive with the scorer's packages is called among Spark's files."""
ROWS_PER_TASK = 50_000
Json = Dict[str, Any]


def run(session: SparkSession, order_uri: str, output: str) -> Json:
    """Write `data/<partition>/*.parquet`, `done/<partition>.json` after each, and at the end the manifest, which is returned.

    Idempotency: a partition that is done stays; whatever else an earlier run left of it is replaced.
    """
    order = decode_order(read_bytes(session, order_uri))
    root = order_uri[: -len(build_prefix(order.workspace_id, order.job_id) + ORDER_FILE)]
    _bring_files(session, root, order)
    ids = read_ids(session, root, order.source)
    entities = choose_entities(ids, order.job_id).cache()
    plan = _plan(session, order, ids, entities, output=output)
    done = _read_done(session, output)
    for partition in range(plan["partitions"]):
        if partition not in done:
            some = entities.where(F.pmod("number", F.lit(plan["partitions"])) == partition)
            done[partition] = _write_partition(session, order, some, partition=partition, output=output)
    manifest = _build_manifest(order, plan, [done[partition] for partition in sorted(done)])
    write_bytes(session, output + "manifest.json", json.dumps(manifest, sort_keys=True).encode())
    return manifest


def _bring_files(session: SparkSession, root: str, order: Order) -> None:
    model = f"{root}{build_prefix(order.workspace_id, order.job_id)}model/"
    for uri in (model + MODEL_FILE, model + ARTIFACT_FILE, root + order.snapshot_key, root + order.snapshot_file_key):
        session.sparkContext.addFile(uri)


def _plan(session: SparkSession, order: Order, ids: DataFrame, entities: DataFrame, *, output: str) -> Json:
    """Return how much there is to do: as an earlier run counted it, so that its partitions are those of this run."""
    if exists(session, output + "plan.json"):
        kept: Json = json.loads(read_bytes(session, output + "plan.json"))
        return kept
    rows = entities.count()
    refused = ids.where(F.col("entity_id").isNull() | ~is_usable(F.col("entity_id"))).count()
    partitions = count_partitions(rows, rows_per_partition=order.rows_per_partition)
    plan = {"entities": rows, "refused": refused, "partitions": partitions}
    write_bytes(session, output + "plan.json", json.dumps(plan, sort_keys=True).encode())
    return plan


def _read_done(session: SparkSession, output: str) -> Dict[int, Json]:
    names = list_files(session, output + "done") if exists(session, output + "done") else []
    found = [json.loads(read_bytes(session, f"{output}done/{name}")) for name in names]
    return {each["partition"]: each for each in found}


def _write_partition(session: SparkSession, order: Order, entities: DataFrame, *, partition: int, output: str) -> Json:
    """Write a partition's rows, then say so; what is said is read from the files as written."""
    folder = f"data/{partition:05d}"
    tasks = count_partitions(order.rows_per_partition, rows_per_partition=ROWS_PER_TASK)
    ordered = entities.select("entity_id").repartition(tasks, "entity_id").sortWithinPartitions("entity_id")
    scored = ordered.rdd.mapPartitions(lambda rows: score_rows(order, rows))
    session.createDataFrame(scored, SCHEMAS[order.kind], verifySchema=False).write.mode("overwrite").parquet(output + folder)
    written = session.read.schema(SCHEMAS[order.kind]).parquet(output + folder)
    rows = {row["name"]: row["count"] for row in written.groupBy(F.col("_metadata.file_name").alias("name")).count().collect()}
    contents = session.read.format("binaryFile").option("pathGlobFilter", "*.parquet").load(output + folder)
    files = [
        {"key": f"{folder}/{found['name']}", "rows": rows.get(found["name"], 0), "bytes": found["length"], "sha256": found["sha256"]}
        for found in contents.select(
            F.element_at(F.split("path", "/"), -1).alias("name"), "length", F.sha2("content", 256).alias("sha256")
        ).collect()
    ]
    done = {"partition": partition, "rows": sum(rows.values()), "files": sorted(files, key=lambda file: str(file["key"]))}
    write_bytes(session, f"{output}done/{partition:05d}.json", json.dumps(done, sort_keys=True).encode())
    return done


def score_rows(order: Order, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    """Yield the predictions of one task. Runs in a worker, where the packages in the archive are found first."""
    environment = SparkFiles.get(ENVIRONMENT)
    if Path(environment).is_dir() and environment not in sys.path:
        sys.path.insert(0, environment)
    from presage.batch_predictions.scoring import open_scorer, score  # noqa: PLC0415 - its packages are in the archive

    scorer = open_scorer(order, Path(SparkFiles.getRootDirectory()))
    return score(order, scorer, (row["entity_id"] for row in rows))


def _build_manifest(order: Order, plan: Json, done: List[Json]) -> Json:
    return {
        "format": FORMAT,
        "job_id": order.job_id,
        "model_id": order.model_id,
        "version": order.version,
        "kind": order.kind,
        "training_set_id": order.training_set_id,
        "model_sha256": order.model_sha256,
        "snapshot_key": order.snapshot_key,
        "snapshot_sha256": order.snapshot_sha256,
        "as_of_us": order.as_of_us,
        "input": order.source.described,
        **plan,
        "rows": sum(each["rows"] for each in done),
        "files": [{**file, "partition": each["partition"]} for each in done for file in each["files"]],
    }


if __name__ == "__main__":
    run_step("predict_batch", sys.argv[1:], run)
