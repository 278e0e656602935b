"""From files that name entities to the entities to score, each once and in its partition."""

from __future__ import annotations

from typing import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom
from pyspark.sql import types as T  # noqa: N812 - same

from presage.batch_predictions.order import LONGEST_ENTITY_ID, EntitySource, build_namespace
from presage.errors import InvalidInputError

CLASSIFICATION_ROWS = T.StructType(
    [
        T.StructField("prediction_id", T.StringType(), nullable=False),
        T.StructField("entity_id", T.StringType(), nullable=False),
        T.StructField("entity_found", T.BooleanType(), nullable=False),
        T.StructField("prediction", T.StringType(), nullable=False),
        T.StructField("score", T.DoubleType(), nullable=False),
    ]
)
RANKING_ROWS = T.StructType(
    [
        *CLASSIFICATION_ROWS.fields[:3],
        T.StructField("prediction", T.ArrayType(T.StringType(), containsNull=False), nullable=False),
        T.StructField("score", T.ArrayType(T.DoubleType(), containsNull=False), nullable=False),
    ]
)
"""A ranking's items, best first, and the score of each."""
REGRESSION_ROWS = T.StructType(
    [*CLASSIFICATION_ROWS.fields[:3], T.StructField("prediction", T.DoubleType(), nullable=False), CLASSIFICATION_ROWS.fields[4]]
)
"""The value twice, as the public API answers it."""
SCHEMAS = {"classification": CLASSIFICATION_ROWS, "ranking": RANKING_ROWS, "regression": REGRESSION_ROWS}


def read_ids(session: SparkSession, root: str, source: EntitySource) -> DataFrame:
    """Return the source's column as text, `entity_id`, in all its rows. `root` is the lake's URI with a final slash.

    Raises:
        InvalidInputError: The files have no such column.
    """
    paths = [root + key for key in source.keys]
    if not paths:
        return session.createDataFrame([], "entity_id string")
    frame = _read(session, source.format, paths)
    if source.column not in frame.columns:
        raise InvalidInputError(f"{source.described} has no column {source.column!r}, only {', '.join(frame.columns[:20])}")
    return frame.select(F.col(f"`{source.column}`").cast("string").alias("entity_id"))


def _read(session: SparkSession, kind: str, paths: Sequence[str]) -> DataFrame:
    if kind in {"csv", "tsv"}:
        table = session.read.option("header", "true").option("escape", '"').option("multiLine", "true")
        return table.option("sep", "\t" if kind == "tsv" else ",").csv(list(paths))
    if kind == "ndjson":
        return session.read.option("primitivesAsString", "true").option("mode", "FAILFAST").json(list(paths))
    return session.read.option("recursiveFileLookup", "true").parquet(*paths)


def choose_entities(ids: DataFrame, job_id: str) -> DataFrame:
    """Return each usable id once, with the number that decides on its partition.

    Grain: one row per entity. Columns: entity_id, number (the first 32 bits of the prediction's id, see `choose_partition`).
    """
    usable = ids.where(F.col("entity_id").isNotNull() & is_usable(F.col("entity_id"))).distinct()
    named = F.concat(F.lit(bytearray(build_namespace(job_id).bytes)), F.encode("entity_id", "UTF-8"))
    return usable.withColumn("number", F.conv(F.substring(F.sha1(named), 1, 8), 16, 10).cast("bigint"))


def is_usable(entity_id: Column) -> Column:
    """Return whether the public API would take the id."""
    return F.length(entity_id).between(1, LONGEST_ENTITY_ID) & ~entity_id.contains("\x00")
