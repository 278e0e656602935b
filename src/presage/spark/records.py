"""Records of a feature set version as a frame.

Columns of every frame of records: record_id, entity_id, event_us, known_us, usable_us, then the dataset's own.
Units: `*_us` are microseconds since the epoch, UTC, as 64-bit integers, so that all comparisons are exact.
`usable_us` is the later of event and known: what is usable at t was true and known at t.
"""

from __future__ import annotations

from typing import Dict, List

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom
from pyspark.sql import types as T  # noqa: N812 - same

from presage.errors import CorruptArtifactError
from presage.training.recipe import InputDataset

SPARK_TYPES: Dict[str, T.DataType] = {"number": T.DoubleType(), "string": T.StringType(), "boolean": T.BooleanType()}
DAY_US = 86_400_000_000


def build_part_schema(columns: Dict[str, str]) -> T.StructType:
    """Return the explicit schema of a dataset's parquet parts (see `presage.features.records.Part`)."""
    fields = [
        T.StructField("record_id", T.StringType()),
        T.StructField("entity_id", T.StringType()),
        T.StructField("event_timestamp", T.TimestampNTZType()),
        T.StructField("known_timestamp", T.TimestampNTZType()),
    ]
    return T.StructType(fields + [T.StructField(name, SPARK_TYPES[kind]) for name, kind in columns.items()])


def read_parts(session: SparkSession, root: str, dataset: InputDataset) -> DataFrame:
    """Return all rows of the version's parts, as `build_part_schema` says. `root` is the lake's URI with a final slash.

    Raises:
        CorruptArtifactError: The parts hold another number of rows than the manifest says.
    """
    schema = build_part_schema(dataset.columns)
    if not dataset.parts:
        return session.createDataFrame([], schema)
    paths = [root + part.key for part in dataset.parts]
    parts = session.read.schema(schema).option("recursiveFileLookup", "true").parquet(*paths)
    found, expected = parts.count(), sum(part.rows for part in dataset.parts)
    if found != expected:
        raise CorruptArtifactError(f"dataset {dataset.dataset_id} version {dataset.version}: {found} rows, manifest says {expected}")
    return parts


def select_known(parts: DataFrame, *, cutoff_us: int) -> DataFrame:
    """Return one record per record_id (the earliest known; then the smallest content), less those not usable at the cut-off.

    Grain: one row per record_id.
    """
    columns = _value_columns(parts)
    moments = parts.select(
        "record_id",
        "entity_id",
        F.unix_micros(F.col("event_timestamp").cast("timestamp")).alias("event_us"),
        F.unix_micros(F.col("known_timestamp").cast("timestamp")).alias("known_us"),
        *columns,
    )
    content = F.struct("known_us", "event_us", "entity_id", *columns)
    first = moments.groupBy("record_id").agg(F.min(content).alias("first")).select("record_id", "first.*")
    usable = first.withColumn("usable_us", F.greatest("event_us", "known_us"))
    ordered = usable.select("record_id", "entity_id", "event_us", "known_us", "usable_us", *columns)
    return ordered.where(F.col("usable_us") <= cutoff_us)


def _value_columns(parts: DataFrame) -> List[str]:
    return [name for name in parts.columns if name not in {"record_id", "entity_id", "event_timestamp", "known_timestamp"}]
