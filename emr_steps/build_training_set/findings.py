"""What is found in a training set that was joined in SQL: moments of its features, and cells that naive joins get wrong."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from emr_steps.build_training_set.transforms import join_views
from presage.training.findings import NAIVE_JOINS, NUMBER, Cell, Findings, Leak, Moments
from presage.training.recipe import Recipe
from presage.training.spec import feature_columns, view_columns

MOMENTS = ("values", "nulls", "mean", "variance", "least", "greatest")
LEAK = ("cells", "first", "last")


def compute_findings(
    training_set: DataFrame, joined: DataFrame, rows: DataFrame, records: Mapping[str, DataFrame], recipe: Recipe
) -> Findings:
    """Return the findings in the training set as written, and in its rows before (`rows`) and after (`joined`) the join."""
    names = view_columns(recipe.spec)
    by_event, newest = (_join_naively(join, rows, records, recipe) for join in NAIVE_JOINS)
    leaks = {**_find_leaks(NAIVE_JOINS[0], joined, by_event, names), **_find_leaks(NAIVE_JOINS[1], joined, newest, names)}
    told = F.lit(NUMBER) if dict(training_set.dtypes)["label"] == "double" else F.col("label").cast("string")
    counted = training_set.groupBy("split", told.alias("told")).count().collect()
    labels = {(row["split"], row["told"]): row["count"] for row in counted}
    return Findings(labels=labels, moments=_compute_moments(training_set, feature_columns(recipe.spec)), leaks=leaks)


def _join_naively(join: str, rows: DataFrame, records: Mapping[str, DataFrame], recipe: Recipe) -> DataFrame:
    views = recipe.spec.feature_views
    if join == NAIVE_JOINS[0]:
        return join_views(rows, {name: frame.withColumn("usable_us", F.col("event_us")) for name, frame in records.items()}, views)
    return join_views(rows, records, views, as_of_us=recipe.cutoff_us)


def _compute_moments(training_set: DataFrame, names: Tuple[str, ...]) -> Dict[Tuple[str, str], Moments]:
    """Return the moments of each feature in each split, added up in the order of the rows."""

    def describe(name: str) -> Column:
        value = F.when(~F.isnan(name), F.col(name))
        count = F.count(value)
        found = (count, F.count(F.lit(1)) - count, F.avg(value), F.var_samp(value), F.min(value), F.max(value))
        return F.struct(*[column.alias(word) for column, word in zip(found, MOMENTS)]).alias(name)

    ordered = training_set.coalesce(1)
    told = ordered.groupBy("split").agg(*[describe(name) for name in names]).collect() if names else []
    return {(row["split"], name): _read_moments(row[name]) for row in told for name in names}


def _read_moments(told: Row) -> Moments:
    values, nulls = told["values"], told["nulls"]
    if not values:
        return Moments(0, nulls)
    return Moments(values, nulls, told["mean"], (told["variance"] or 0.0) * (values - 1), told["least"], told["greatest"])


def _find_leaks(join: str, joined: DataFrame, naive: DataFrame, names: Tuple[str, ...]) -> Dict[Tuple[str, str], Leak]:
    keys: List[str] = [name for name in ("entity_id", "at_us", "item") if name in joined.columns]
    theirs = naive.select(*keys, *[F.col(name).alias(f"naive__{name}") for name in names])
    item = F.col("item") if "item" in keys else F.lit("")

    def count(name: str) -> Column:
        wrong = ~F.col(name).eqNullSafe(F.col(f"naive__{name}"))
        cell = F.struct("at_us", "entity_id", item.alias("item"), F.col(name).alias("value"), F.col(f"naive__{name}").alias("naive"))
        found = (F.count(F.when(wrong, 1)), F.min(F.when(wrong, cell)), F.max(F.when(wrong, cell)))
        return F.struct(*[column.alias(word) for column, word in zip(found, LEAK)]).alias(name)

    told: List[Any] = joined.join(theirs, keys).agg(*[count(name) for name in names]).collect() if names else []
    return {
        (join, name): Leak(row[name]["cells"], Cell(**row[name]["first"].asDict()), Cell(**row[name]["last"].asDict()))
        for row in told
        for name in names
        if row[name]["cells"]
    }
