"""The items of a ranking, at each observation and as of one moment."""

from __future__ import annotations

import heapq
from typing import Iterable, Iterator, List, Set, Tuple

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from presage.training.sampling import TEST_OBSERVATIONS, PoolChange, label_pool, order_by_hash, sample_items, sweep_pool
from presage.training.spec import Candidates

ROWS = "entity_id string, at_us bigint, split string, item string, label int"


def list_candidates(records: DataFrame, candidates: Candidates) -> List[str]:
    """Return the items most frequent in the records, ties by item id."""
    items = records.where(F.col(candidates.item_column).isNotNull()).groupBy(F.col(candidates.item_column).alias("item")).count()
    return [row["item"] for row in items.orderBy(F.desc("count"), "item").limit(candidates.limit).collect()]


def limit_test(observations: DataFrame) -> DataFrame:
    """Return the observations with all but the first test observations, by hash order, marked as unused."""
    tests = [(row["entity_id"], row["at_us"]) for row in observations.where("split = 'test'").select("entity_id", "at_us").collect()]
    if len(tests) <= TEST_OBSERVATIONS:
        return observations
    order = order_by_hash("test")
    kept = heapq.nsmallest(TEST_OBSERVATIONS, tests, key=lambda test: order(f"{test[0]}\x00{test[1]}"))
    session = observations.sparkSession
    chosen = session.createDataFrame(kept, "entity_id string, at_us bigint").withColumn("chosen", F.lit(True))
    marked = observations.join(F.broadcast(chosen), ["entity_id", "at_us"], "left")
    split = F.when((F.col("split") == "test") & F.col("chosen").isNull(), "unused").otherwise(F.col("split"))
    return marked.withColumn("split", split).drop("chosen")


def add_items(observations: DataFrame, records: DataFrame, candidates: Candidates) -> DataFrame:
    """Return what each observation is trained or tested on.

    The pool is swept once, on the driver, over the candidates' records in time order; the workers sample from it.
    Grain: one row per (entity_id, at_us, item). Columns: entity_id, at_us, split, item, label. Observations without a positive
    in their pool have no rows.
    """
    session = observations.sparkSession
    changes = session.sparkContext.broadcast(_sweep(records, candidates))
    negatives = candidates.negatives_per_positive
    ordered = observations.select("entity_id", "at_us", "split", "items").sortWithinPartitions("at_us", "entity_id")
    sampled = ordered.rdd.mapPartitions(lambda rows: _sample(rows, changes.value, negatives))
    return session.createDataFrame(sampled, ROWS)


def _sweep(records: DataFrame, candidates: Candidates) -> List[PoolChange]:
    items = records.where(F.col(candidates.item_column).isNotNull())
    events = items.select("usable_us", F.col(candidates.item_column).alias("item")).orderBy("usable_us", "item")
    return list(sweep_pool(((row["usable_us"], row["item"]) for row in events.toLocalIterator()), candidates.limit))


def _sample(rows: Iterable[Row], changes: List[PoolChange], negatives: int) -> Iterator[Tuple[str, int, str, str, int]]:
    """Yield the rows of observations that come in the order of `at_us`."""
    pool: Set[str] = set()
    position = 0
    for row in rows:
        while position < len(changes) and changes[position].at_us <= row["at_us"]:
            change = changes[position]
            (pool.add if change.enters else pool.discard)(change.item)
            position += 1
        positives = frozenset(row["items"])
        if row["split"] == "test":
            labelled = label_pool(pool, positives)
        else:
            seed = f"{row['entity_id']}\x00{row['at_us']}"
            labelled = sample_items(pool, positives, negatives_per_positive=negatives, seed=seed)
        for item, label in labelled:
            yield row["entity_id"], row["at_us"], row["split"], item, label
