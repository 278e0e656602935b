"""Feature values as of given moments: only from records that were true and known then.

A record counts at t when usable_us = max(event, known) <= t. One clock suffices where no window limits the events, so those
features are running aggregates over the records in the order of `usable_us`: linear, without a join of every observation with every record.
Features with a window (t - w, t] join the records of the key whose event lies in the widest window, and aggregate.
Sums run in the order of (usable_us, record_id), so the same inputs give the same bits, in training and in materialising.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.records import DAY_US
from presage.training.spec import Feature, FeatureView

Build = Callable[[Column], Column]
MOMENTS = ("days_since_first", "days_since_last")


def compute_values(records: DataFrame, pairs: DataFrame, view: FeatureView) -> DataFrame:
    """Return the view's features for each pair; `days_since_*` still as the event's microseconds since the epoch.

    Shape: `pairs` holds distinct (join_key, at_us).
    Grain: one row per pair. Columns: join_key, at_us, then one per feature, by its name.
    """
    keyed = records.withColumn("join_key", F.col(view.key_column)).where(F.col("join_key").isNotNull())
    running = [feature for feature in view.features if feature.window_days is None]
    windowed = [feature for feature in view.features if feature.window_days is not None]
    values = pairs.select("join_key", "at_us")
    if running:
        values = _aggregate_running(keyed, values, running)
    if windowed:
        values = values.join(_aggregate_windowed(keyed, pairs, windowed), ["join_key", "at_us"], "left")
    counts = [feature.name for feature in view.features if feature.function == "count"]
    return values.fillna(0.0, subset=counts).select("join_key", "at_us", *[feature.name for feature in view.features])


def as_days(values: DataFrame, view: FeatureView) -> DataFrame:
    """Return the values with `days_since_*` in days from the event to `at_us`."""
    return _map_moments(values, view, lambda name: (F.col("at_us") - F.col(name)).cast("double") / F.lit(float(DAY_US)))


def as_epoch_seconds(values: DataFrame, view: FeatureView) -> DataFrame:
    """Return the values with `days_since_*` as the event's seconds since the epoch, for serving to subtract from its own time."""
    return _map_moments(values, view, lambda name: F.col(name).cast("double") / F.lit(1e6))


def _map_moments(values: DataFrame, view: FeatureView, convert: Callable[[str], Column]) -> DataFrame:
    moments = {feature.name for feature in view.features if feature.function in MOMENTS}
    names = [feature.name for feature in view.features]
    columns = [convert(name).alias(name) if name in moments else F.col(name) for name in names]
    return values.select("join_key", "at_us", *columns)


def _value(feature: Feature) -> Optional[Column]:
    """Return the number a record contributes (booleans as 0 and 1), or None for a feature of whole records."""
    if feature.column is None or feature.function in {"count", *MOMENTS}:
        return None
    if feature.categories is not None:
        return _place_among(feature.categories, F.col(feature.column))
    return F.col(feature.column).cast("double")


def _place_among(categories: Tuple[str, ...], column: Column) -> Column:
    """Return a string's place among the categories from 0, their number for any other, null for null."""
    places = F.create_map(*[F.lit(each) for place, name in enumerate(categories) for each in (name, float(place))])
    return F.when(column.isNotNull(), F.coalesce(places[column], F.lit(float(len(categories)))))


def _counts_for(feature: Feature) -> Column:
    """Return whether a record counts for the feature: all do, unless a column is named and null."""
    if feature.column is None or feature.function == "latest":
        return F.lit(True)
    return F.col(feature.column).isNotNull()


def _aggregate_running(records: DataFrame, pairs: DataFrame, features: List[Feature]) -> DataFrame:
    inputs = sorted({feature.column for feature in features if feature.column is not None})
    events = records.select(
        "join_key", F.col("usable_us").alias("at_us"), F.lit(False).alias("asked"), "record_id", "event_us", "known_us", *inputs
    )
    asked = pairs.select("join_key", "at_us", F.lit(True).alias("asked"))
    both = events.unionByName(asked, allowMissingColumns=True)
    # Records come before what is asked at the same moment: a record usable at t counts at t.
    so_far = Window.partitionBy("join_key").orderBy("at_us", "asked", "record_id").rowsBetween(Window.unboundedPreceding, 0)
    columns = [_build_running(feature, so_far).alias(feature.name) for feature in features]
    return both.select("join_key", "at_us", "asked", *columns).where(F.col("asked")).drop("asked")


def _build_running(feature: Feature, so_far: WindowSpec) -> Column:
    counted = ~F.col("asked") & _counts_for(feature)

    def over(column: Column) -> Column:
        return column.over(so_far)

    return _combine(feature, counted, over, lambda value: over(F.sum(F.when(counted, value))))


def _combine(feature: Feature, counted: Column, apply: Build, add: Build) -> Column:
    """Return the aggregate of the records for which `counted` holds; `apply` applies the frame, `add` sums in order."""
    value = _value(feature)
    if feature.function == "count":
        return apply(F.count(F.when(counted, 1))).cast("double")
    if value is None:
        event = F.when(counted, F.col("event_us"))
        return apply(F.min(event) if feature.function == "days_since_first" else F.max(event))
    if feature.function == "latest":
        newest = F.struct("event_us", "known_us", "record_id", value.alias("value"))
        return apply(F.max(F.when(counted, newest)))["value"]
    if feature.function in {"min", "max"}:
        pick = F.min if feature.function == "min" else F.max
        return apply(pick(F.when(counted, value)))
    if feature.function == "sum":
        return add(value)
    return add(value) / apply(F.count(F.when(counted, 1)))


def _aggregate_windowed(records: DataFrame, pairs: DataFrame, features: List[Feature]) -> DataFrame:
    """Return the windowed features of those pairs that have a record in the widest window."""
    inputs = sorted({feature.column for feature in features if feature.column is not None})
    widest = max(feature.window_days or 0 for feature in features) * DAY_US
    events = records.select(F.col("join_key").alias("record_key"), "usable_us", "record_id", "event_us", "known_us", *inputs)
    in_window = (
        (F.col("join_key") == F.col("record_key"))
        & (F.col("usable_us") <= F.col("at_us"))
        & (F.col("event_us") > F.col("at_us") - F.lit(widest))
    )
    joined = pairs.select("join_key", "at_us").join(events, in_window)
    columns = [_build_windowed(feature).alias(feature.name) for feature in features]
    return joined.groupBy("join_key", "at_us").agg(*columns)


def _build_windowed(feature: Feature) -> Column:
    start = F.col("at_us") - F.lit((feature.window_days or 0) * DAY_US)
    counted = (F.col("event_us") > start) & _counts_for(feature)

    def add(value: Column) -> Column:
        summands = F.array_sort(F.collect_list(F.when(counted, F.struct("usable_us", "record_id", value.alias("value")))))
        total = F.aggregate(summands, F.lit(0.0), lambda so_far, summand: so_far + summand["value"])
        return F.when(F.size(summands) > 0, total)

    return _combine(feature, counted, lambda column: column, add)
