"""From records to a training set: frames in, frames out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.spark.candidates import add_items, limit_test, list_candidates
from presage.spark.labels import add_label
from presage.spark.observations import add_outcomes, add_split, build_observations, select_closed
from presage.spark.point_in_time import as_days, compute_values
from presage.training.spec import Candidates, Feature, FeatureView, ModelSpec

POPULARITY = "popularity"


@dataclass(frozen=True)
class TrainingSet:
    """The rows, and what was counted on the way to them.

    Grain of `rows`: one per (entity_id, at_us), and per item of a ranking. Columns: entity_id, at_us, split, item and popularity
    (rankings only), label, then the model's feature columns. `candidates` are the items as of the cut-off, most frequent first.
    """

    rows: DataFrame
    counts: Dict[str, int]
    boundary_us: int
    candidates: List[str]


def build_training_set(records: Mapping[str, DataFrame], spec: ModelSpec, *, cutoff_us: int) -> TrainingSet:
    """Return the training set of the records by dataset name, which are those known at the cut-off."""
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
        rows = _build_ranking_rows(with_split, records, spec.candidates).cache()
        items = list_candidates(records[spec.candidates.dataset], spec.candidates)
    counts["open_window"] = counts["observations"] - counts["closed"]
    counts["used"] = rows.select("entity_id", "at_us").distinct().count()
    counts["without_positive"] = counts["closed"] - counts["used"]
    return TrainingSet(_join_views(rows, records, spec.feature_views), counts, boundary_us, items)


def _build_ranking_rows(observations: DataFrame, records: Mapping[str, DataFrame], candidates: Candidates) -> DataFrame:
    with_items = limit_test(observations.where(F.size("items") > 0))
    rows = add_items(with_items, records[candidates.dataset], candidates).cache()
    popularity = FeatureView(
        name=POPULARITY,
        dataset=candidates.dataset,
        features=(Feature(POPULARITY, "count"),),
        join="item",
        key_column=candidates.item_column,
    )
    joined = _join_views(rows, records, (popularity,))
    return joined.withColumnRenamed(f"{POPULARITY}__{POPULARITY}", POPULARITY)


def _join_views(rows: DataFrame, records: Mapping[str, DataFrame], views: Sequence[FeatureView]) -> DataFrame:
    """Return the rows with the views' columns, `<view>__<feature>`.

    What to ask of a view is always read from the rows as given: asking the joined ones would compute all earlier views again.
    """
    joined = rows
    for view in views:
        key = "entity_id" if view.join == "entity" else "item"
        pairs = rows.select(F.col(key).alias("join_key"), "at_us").distinct()
        values = as_days(compute_values(records[view.dataset], pairs, view), view)
        columns = [F.col(feature.name).alias(f"{view.name}__{feature.name}") for feature in view.features]
        joined = joined.join(values.select(F.col("join_key").alias(key), "at_us", *columns), [key, "at_us"], "left")
    return joined
