"""A view's values from those of an earlier snapshot: only the keys are computed anew whose values may have changed.

A key is touched if
- a new part has a record of an id that the key has a record of: new, repeated or replaced, however old its event is;
- a record of the key became usable after the earlier snapshot's time;
- an event of the key left a window of the view since (values change by time alone).
Taking too many keys for touched costs time and changes nothing: what is computed anew from the same records has the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.materialize.transforms import materialize_view
from presage.spark.records import DAY_US, select_known
from presage.training.spec import FeatureView


@dataclass(frozen=True)
class Change:
    """What lies between two snapshots of a dataset's views: all its parts, those that are new, and both times."""

    parts: DataFrame
    fresh: DataFrame
    before_us: int
    as_of_us: int


def find_touched(change: Change, view: FeatureView) -> DataFrame:
    """Return the keys whose values may have changed. Grain: one row per key. Columns: join_key."""
    rows = _read_moments(change.parts, view)
    fresh = change.fresh.select("record_id", F.lit(True).alias("fresh")).distinct()
    marked = rows.join(fresh, "record_id", "left")
    windows = {feature.window_days * DAY_US for feature in view.features if feature.window_days is not None}
    left = [F.col("event_us").between(change.before_us - window + 1, change.as_of_us - window) for window in sorted(windows)]
    reasons = [F.col("fresh").isNotNull(), F.col("usable_us").between(change.before_us + 1, change.as_of_us), *left]
    return marked.where(reduce(or_, reasons)).select("join_key").distinct()


def renew_view(change: Change, view: FeatureView, previous: DataFrame, touched: DataFrame) -> DataFrame:
    """Return the view's values as of the change's end: as `materialize_view` has them of all records.

    Of a record id, all rows are read of which one may belong to a touched key: which of them counts is decided among all.
    """
    rows = _read_moments(change.parts, view)
    ids = rows.join(touched, "join_key", "left_semi").select("record_id").distinct()
    known = select_known(change.parts.join(ids, "record_id", "left_semi"), cutoff_us=change.as_of_us)
    of_touched = known.join(touched.select(F.col("join_key").alias(view.key_column)), view.key_column, "left_semi")
    values = materialize_view(of_touched, view, as_of_us=change.as_of_us)
    return previous.select(values.columns).join(touched, "join_key", "left_anti").unionByName(values)


def _read_moments(parts: DataFrame, view: FeatureView) -> DataFrame:
    event, known = (F.unix_micros(F.col(f"{clock}_timestamp").cast("timestamp")) for clock in ("event", "known"))
    rows = parts.select(
        "record_id", F.col(view.key_column).alias("join_key"), event.alias("event_us"), F.greatest(event, known).alias("usable_us")
    )
    return rows.where(F.col("join_key").isNotNull())
