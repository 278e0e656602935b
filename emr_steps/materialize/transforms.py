"""From records to the feature values as of one moment: the training set's own definitions, asked once per join key."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.point_in_time import as_epoch_seconds, compute_values
from presage.training.spec import FeatureView


def materialize_view(records: DataFrame, view: FeatureView, *, as_of_us: int) -> DataFrame:
    """Return the view's values as of a moment, of all join keys that have a record by then.

    Grain: one row per join key. Columns: join_key, then one per feature, by its name; `days_since_*` as epoch seconds.
    """
    usable = records.where(F.col("usable_us") <= as_of_us)
    keys = usable.select(F.col(view.key_column).alias("join_key")).where(F.col("join_key").isNotNull()).distinct()
    pairs = keys.withColumn("at_us", F.lit(as_of_us))
    return as_epoch_seconds(compute_values(usable, pairs, view), view).drop("at_us")
