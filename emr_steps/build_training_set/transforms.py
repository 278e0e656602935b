"""From records to a training set: frames in, frames out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.candidates import add_items, limit_test, list_candidates
from presage.spark.labels import add_label
from presage.spark.observations import add_outcomes, add_split, build_observations, select_closed
from presage.spark.point_in_time import as_days, compute_values
from presage.training.spec import Feature, FeatureView, ModelSpec, feature_columns

POPULARITY = "popularity"


@dataclass(frozen=True)
class Unjoined:
    """The rows before any feature is joined, and what was counted on the way to them.

    Grain of `rows`: one per (entity_id, at_us), and per item of a ranking. Columns: entity_id, at_us, split, item (rankings only),
    label. `candidates` are the items as of the cut-off, most frequent first.
    """

    rows: DataFrame
    counts: Dict[str, int]
    boundary_us: int
    candidates: List[str]


def build_rows(records: Mapping[str, DataFrame], spec: ModelSpec, *, cutoff_us: int) -> Unjoined:
    """Return the rows of the records by dataset name, which are those known at the cut-off: `list_row_datasets` names all it takes."""
    observed = build_observations(records[spec.observations.dataset], spacing_days=spec.observations.spacing_days).cache()
    closed = select_closed(observed, window_days=spec.label.window_days, cutoff_us=cutoff_us)
    split, boundary_us = add_split(closed, window_days=spec.label.window_days)
    labelled = add_outcomes(split, records[spec.label.dataset], spec.label)
    with_split = labelled.join(split, ["entity_id", "at_us"]).cache()
    counts = {"observations": observed.count(), "closed": with_split.count()}
    if spec.candidates is None:
        labelled = add_label(with_split, records[spec.label.dataset], spec.label)
        rows = labelled.select("entity_id", "at_us", "split", "label").cache()
        items: List[str] = []
    else:
        with_items = limit_test(with_split.where(F.size("items") > 0))
        rows = add_items(with_items, records[spec.candidates.dataset], spec.candidates).cache()
        items = list_candidates(records[spec.candidates.dataset], spec.candidates)
    counts["open_window"] = counts["observations"] - counts["closed"]
    counts["used"] = rows.select("entity_id", "at_us").distinct().count()
    counts["without_positive"] = counts["closed"] - counts["used"]
    return Unjoined(rows, counts, boundary_us, items)


def list_row_datasets(spec: ModelSpec) -> List[str]:
    """Return the names of the datasets that rows are made from, each once."""
    names = {spec.observations.dataset, spec.label.dataset}
    return sorted(names | {spec.candidates.dataset} if spec.candidates else names)


def list_views(spec: ModelSpec) -> Tuple[FeatureView, ...]:
    """Return the views to join: the model's, and for a ranking the items' popularity, which its baseline ranks by."""
    candidates = spec.candidates
    if candidates is None:
        return spec.feature_views
    count = (Feature(POPULARITY, "count"),)
    popularity = FeatureView(POPULARITY, candidates.dataset, count, join="item", key_column=candidates.item_column)
    return (popularity, *spec.feature_views)


def list_columns(spec: ModelSpec) -> Dict[str, str]:
    """Return the training set's columns in order, each with the name of what it holds in rows joined with `list_views`."""
    items = {"item": "item", POPULARITY: f"{POPULARITY}__{POPULARITY}"} if spec.candidates else {}
    names = ["entity_id", "observed_at", "split", *items, "label", *feature_columns(spec)]
    return {name: items.get(name, name) for name in names}


def join_views(
    rows: DataFrame, records: Mapping[str, DataFrame], views: Sequence[FeatureView], *, as_of_us: Optional[int] = None
) -> DataFrame:
    """Return the rows with the views' columns, `<view>__<feature>`; with `as_of_us` the values of that moment, which leak.

    What to ask of a view is always read from the rows as given: asking the joined ones would compute all earlier views again.
    """
    joined = rows
    for view in views:
        key = "entity_id" if view.join == "entity" else "item"
        pairs = rows.select(F.col(key).alias("join_key"), "at_us").distinct()
        if as_of_us is None:
            found = compute_values(records[view.dataset], pairs, view)
        else:
            late = pairs.select("join_key", F.lit(as_of_us).alias("at_us")).distinct()
            found = pairs.join(compute_values(records[view.dataset], late, view).drop("at_us"), "join_key")
        values = as_days(found, view)
        columns = [F.col(feature.name).alias(f"{view.name}__{feature.name}") for feature in view.features]
        joined = joined.join(values.select(F.col("join_key").alias(key), "at_us", *columns), [key, "at_us"], "left")
    return joined


def select_columns(joined: DataFrame, spec: ModelSpec) -> DataFrame:
    """Return the joined rows as the training set has them."""
    timed = joined.withColumn("observed_at", F.timestamp_micros("at_us").cast("timestamp_ntz"))
    return timed.select(*[F.col(held).alias(name) for name, held in list_columns(spec).items()])
