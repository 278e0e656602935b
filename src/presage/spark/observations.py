"""Observations, their labels and their split.

Columns of a frame of observations: entity_id, at_us (microseconds since the epoch, UTC), then what has been found out so far.
"""

from __future__ import annotations

from typing import Tuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.records import DAY_US
from presage.training.sampling import TEST_ENTITY_SHARE, choose_boundary_day
from presage.training.spec import Label


def build_observations(records: DataFrame, *, spacing_days: int) -> DataFrame:
    """Return when predictions would have been asked: at the records' events, an entity's at least `spacing_days` apart.

    Grain: one row per (entity_id, at_us).
    """
    times = records.select("entity_id", F.col("event_us").alias("at_us")).distinct()
    if spacing_days == 0:
        return times
    spacing = F.lit(spacing_days * DAY_US)

    def keep_if_apart(kept: Column, at_us: Column) -> Column:
        apart = (F.size(kept) == 0) | (at_us - F.element_at(kept, -1) >= spacing)
        return F.when(apart, F.concat(kept, F.array(at_us))).otherwise(kept)

    ordered = F.array_sort(F.collect_list("at_us"))
    kept = F.aggregate(ordered, F.array().cast("array<bigint>"), keep_if_apart)
    return times.groupBy("entity_id").agg(kept.alias("kept")).select("entity_id", F.explode("kept").alias("at_us"))


def select_closed(observations: DataFrame, *, window_days: int, cutoff_us: int) -> DataFrame:
    """Return the observations whose label window has ended at the cut-off."""
    return observations.where(F.col("at_us") + F.lit(window_days * DAY_US) <= F.lit(cutoff_us))


def add_outcomes(observations: DataFrame, records: DataFrame, label: Label) -> DataFrame:
    """Return the observations with `outcomes`, the entity's records in (at, at + window], and `items`, what they name.

    Grain: unchanged. Columns: outcomes (count), items (distinct and sorted; empty for a classification).
    """
    item = F.col(label.item_column) if label.item_column else F.lit(None).cast("string")
    events = records.select(F.col("entity_id").alias("who"), "event_us", item.alias("item"))
    joined = join_window(observations, events, label)
    found = F.array_sort(F.collect_set("item"))
    return joined.groupBy("entity_id", "at_us").agg(F.count("who").alias("outcomes"), found.alias("items"))


def join_window(observations: DataFrame, events: DataFrame, label: Label) -> DataFrame:
    """Return each observation beside each of its entity's events (`who`, `event_us`) in the label's window, or beside null."""
    in_window = (
        (F.col("entity_id") == F.col("who"))
        & (F.col("event_us") > F.col("at_us"))
        & (F.col("event_us") <= F.col("at_us") + F.lit(label.window_days * DAY_US))
    )
    return observations.join(events, in_window, "left")


def add_split(observations: DataFrame, *, window_days: int) -> Tuple[DataFrame, int]:
    """Return the observations with `split` (train, test or unused), and the boundary between training and testing.

    Train: not a test entity, label window ended by the boundary. Test: a test entity, observed after it. So no entity is in
    both, and nothing that training saw happened after testing began. The boundary is the last microsecond of a day.
    """
    day = ((F.col("at_us") - F.pmod(F.col("at_us"), F.lit(DAY_US))) / F.lit(DAY_US)).cast("bigint")
    observed = {row["day"]: row["count"] for row in observations.groupBy(day.alias("day")).count().collect()}
    boundary_us = (choose_boundary_day(observed, window_days) + 1) * DAY_US - 1
    hashed = F.conv(F.substring(F.sha2(F.concat(F.lit("split\x00"), F.col("entity_id")), 256), 1, 8), 16, 10).cast("bigint")
    is_test = hashed < F.lit(int(TEST_ENTITY_SHARE * 2**32))
    ended = F.col("at_us") + F.lit(window_days * DAY_US) <= F.lit(boundary_us)
    split = F.when(~is_test & ended, "train").when(is_test & (F.col("at_us") > F.lit(boundary_us)), "test").otherwise("unused")
    return observations.withColumn("split", split), boundary_us
