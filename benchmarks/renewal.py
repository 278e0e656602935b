"""A snapshot of many entities made from the one before, beside one made of all records (docs/adr/0040)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom

from benchmarks.screen import say
from emr_steps.materialize.step import run as materialize
from presage.spark.records import DAY_US
from presage.training.recipe import InputDataset, InputPart, Recipe, encode_recipe
from presage.training.reuse import PreviousSnapshot, encode_previous
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations

RECORDS_PER_ENTITY = 5
FIRST_DAY, DAYS = 20_000, 365
VIEW = FeatureView(
    "orders",
    "orders",
    (Feature("n", "count"), Feature("spent", "sum", "price"), Feature("last", "days_since_last"), Feature("recent", "count", None, 30)),
)
SPEC = ModelSpec("classification", Observations("orders"), Label("orders", 30), (VIEW,))


@dataclass(frozen=True)
class _Lake:
    session: SparkSession
    folder: Path

    def land(self, name: str, records: DataFrame) -> tuple[InputPart, ...]:
        """Write records as parts."""
        records.write.parquet(str(self.folder / name))
        found = sorted((self.folder / name).glob("*.parquet"))
        return tuple(InputPart(str(path).lstrip("/"), path.name, self.session.read.parquet(str(path)).count()) for path in found)

    def materialize(self, name: str, parts: tuple[InputPart, ...], *, day: int, after: str = "") -> tuple[float, dict[str, Any]]:
        """Make a snapshot, and return the seconds that it took and its manifest."""
        recipe = Recipe("ws_1", SPEC, {"orders": InputDataset("ds_1", 1, {"price": "number"}, parts)}, day * DAY_US)
        (self.folder / name).mkdir()
        (self.folder / name / "recipe.json").write_bytes(encode_recipe(recipe))
        if after:
            prefix = f"{self.folder}/{after}/".lstrip("/")
            (self.folder / name / "previous.json").write_bytes(encode_previous(PreviousSnapshot(prefix, f"{prefix}recipe.json")))
        self.session.catalog.clearCache()
        return _time(lambda: materialize(self.session, f"file://{self.folder}/{name}/recipe.json", f"file://{self.folder}/{name}/"))


def run(*, entities: int, share: float) -> None:
    """Print what both ways cost when `share` of the entities got a record, half of them late, and a day passed."""
    session = _build_session()
    with tempfile.TemporaryDirectory() as folder:
        lake = _Lake(session, Path(folder))
        end = FIRST_DAY + DAYS
        old = lake.land("old", _draw(session, entities * RECORDS_PER_ENTITY, entities, first=FIRST_DAY, days=DAYS))
        _, before = lake.materialize("before", old, day=end)
        fresh = _draw(session, round(entities * share), entities, first=end - 60, days=61, prefix="new")
        parts = (*old, *lake.land("new", fresh))
        renewed_seconds, renewed = lake.materialize("renewed", parts, day=end + 1, after="before")
        full_seconds, full = lake.materialize("full", parts, day=end + 1)
        same = _compare(session, lake.folder)
    session.stop()
    view = renewed["views"]["orders"]
    say(f"{before['views']['orders']['keys']:,} entities, {entities * RECORDS_PER_ENTITY:,} records; {view['touched']:,} touched")
    times = f"from the one before {renewed_seconds:.1f} s, of all records {full_seconds:.1f} s"
    say(f"{times}: {full_seconds / renewed_seconds:.1f}x; same rows: {same}")
    if full["views"]["orders"]["touched"] is not None or not same:
        raise AssertionError("the two ways are not what they should be")


def _time(work: Callable[[], dict[str, Any]]) -> tuple[float, dict[str, Any]]:
    begun = time.perf_counter()
    done = work()
    return time.perf_counter() - begun, done


def _draw(session: SparkSession, rows: int, entities: int, *, first: int, days: int, prefix: str = "old") -> DataFrame:
    """Return records of entities drawn at random, at random times, known an hour later."""
    number = F.pmod(F.xxhash64("id", F.lit(prefix)), F.lit(entities))
    second = F.lit(first * 86_400) + F.pmod(F.xxhash64("id", F.lit("at"), F.lit(prefix)), F.lit(days * 86_400))
    return session.range(rows, numPartitions=8).select(
        F.concat(F.lit(prefix), F.col("id").cast("string")).alias("record_id"),
        F.concat(F.lit("customer-"), number.cast("string")).alias("entity_id"),
        F.timestamp_seconds(second).cast("timestamp_ntz").alias("event_timestamp"),
        F.timestamp_seconds(second + 3_600).cast("timestamp_ntz").alias("known_timestamp"),
        (F.pmod(F.xxhash64("id"), F.lit(10_000)) / 100).alias("price"),
    )


def _compare(session: SparkSession, folder: Path) -> bool:
    renewed, full = (session.read.parquet(f"{folder}/{name}/views/orders") for name in ("renewed", "full"))
    return renewed.exceptAll(full).isEmpty() and full.exceptAll(renewed).isEmpty()


def _build_session() -> SparkSession:
    builder = SparkSession.builder.master("local[2]").appName("renewal").config("spark.driver.memory", "4g")
    for name, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
