"""What is learnt of an observation, if it is no choice of items: a class, or a number."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.observations import join_window
from presage.training.spec import Label


def add_label(observations: DataFrame, records: DataFrame, label: Label) -> DataFrame:
    """Return the observations with `label`: an int (0 or 1), the class as a string, or a double. Those without one are left out.

    `observations` have their `outcomes`, as `add_outcomes` counts them.
    Sums run in the order of (event_us, record_id), so the same inputs give the same bits.
    Grain: one row per (entity_id, at_us) of `observations`.
    """
    if label.class_column is None and label.aggregate is None:
        return observations.withColumn("label", (F.col("outcomes") > 0).cast("int"))
    named = label.class_column or label.value_column
    counted = records if named is None else records.where(F.col(named).isNotNull())
    events = counted.select(
        F.col("entity_id").alias("who"), "event_us", "known_us", "record_id", (F.col(named) if named else F.lit(1)).alias("value")
    )
    joined = join_window(observations.select("entity_id", "at_us"), events, label)
    found = joined.groupBy("entity_id", "at_us").agg(_build_label(label).alias("label"))
    return observations.join(found.where(F.col("label").isNotNull()), ["entity_id", "at_us"])


def _build_label(label: Label) -> Column:
    if label.class_column is not None:
        first = F.min(F.when(F.col("who").isNotNull(), F.struct("event_us", "known_us", "record_id", "value")))
        return F.coalesce(first["value"].cast("string"), F.lit(label.absent_class))
    count = F.count("who")
    if label.aggregate == "count":
        return count.cast("double")
    values = F.array_sort(
        F.collect_list(F.when(F.col("who").isNotNull(), F.struct("event_us", "record_id", F.col("value").cast("double"))))
    )
    total = F.aggregate(values, F.lit(0.0), lambda so_far, each: so_far + each["col3"])
    return total if label.aggregate == "sum" else F.when(count > 0, total / count)
