"""The demo's data and definitions as training sets of the product's own step, in a folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import msgspec
import polars as pl
from pyspark.sql import SparkSession

from demo import cdnow, movielens
from demo.scenario import JsonObject
from emr_steps.build_training_set.step import run as build_training_set
from presage.training.recipe import InputDataset, InputPart, Recipe, compute_training_set_id, encode_recipe, to_microseconds
from presage.training.spec import ModelSpec

WORKSPACE = "ws_report"
SCHEMA = {
    "record_id": pl.String,
    "entity_id": pl.String,
    "event_timestamp": pl.Datetime("us"),
    "known_timestamp": pl.Datetime("us"),
}


class FolderFiles:
    """`TrainingFiles` in two folders."""

    def __init__(self, folder: Path) -> None:
        """Keep the lake and the artifacts below it."""
        self.lake, self.artifacts = folder / "lake", folder / "artifacts"

    def read_lake(self, key: str) -> bytes | None:
        """Return an object of the lake, or None."""
        return _read(self.lake / key)

    def list_lake(self, prefix: str) -> Sequence[str]:
        """Return the keys below a prefix of the lake, sorted."""
        keys = (str(path.relative_to(self.lake)) for path in self.lake.rglob("*") if path.is_file())
        return sorted(key for key in keys if key.startswith(prefix))

    def put_lake(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""
        _write(self.lake / key, body)

    def read_artifact(self, key: str) -> bytes | None:
        """Return an object of the artifacts bucket, or None."""
        return _read(self.artifacts / key)

    def put_artifact(self, key: str, body: bytes) -> None:
        """Write an object of the artifacts bucket."""
        _write(self.artifacts / key, body)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


@dataclass(frozen=True)
class Source:
    """A product's data until its end: the records of each dataset, its columns, and what is predicted."""

    name: str
    spec: ModelSpec
    cutoff: datetime
    columns: dict[str, dict[str, str]]
    records: dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Built:
    """A training set in a folder. `prefix` is its place in the lake."""

    source: Source
    files: FolderFiles
    prefix: str


def read_movielens() -> Source:
    """Return MovieLens 100k with the demo's definitions: which films an entity rates within a week."""
    ratings, years = movielens.read_ratings()
    rows = [(f"{r.user}-{r.movie}", r.user, r.at, r.at + movielens.EXPORT_DELAY, r.movie, r.stars) for r in ratings]
    released = [(movie, movie, at := datetime(year, 1, 1, tzinfo=UTC), at, float(year)) for movie, year in sorted(years.items())]
    return Source(
        name="movielens",
        spec=_read_spec(movielens.build_scenario().model),
        cutoff=movielens.END,
        columns={"ratings": {"movie": "string", "stars": "number"}, "movies": {"year": "number"}},
        records={
            "ratings": _frame(rows, {"movie": pl.String, "stars": pl.Float64}),
            "movies": _frame(released, {"year": pl.Float64}),
        },
    )


def read_cdnow() -> Source:
    """Return CDNOW with the demo's definitions: whether a customer buys again within 90 days."""
    purchases = cdnow.read_purchases()
    keys = [(f"order-{number}", p.customer, p.at, p.at + cdnow.EXPORT_DELAY) for number, p in enumerate(purchases)]
    return Source(
        name="cdnow",
        spec=_read_spec(cdnow.build_scenario().model),
        cutoff=cdnow.END + timedelta(days=1),
        columns={"orders": {"spent": "number"}, "baskets": {"discs": "number"}},
        records={
            "orders": _frame([(*key, p.spent) for key, p in zip(keys, purchases, strict=True)], {"spent": pl.Float64}),
            "baskets": _frame([(*key, float(p.discs)) for key, p in zip(keys, purchases, strict=True)], {"discs": pl.Float64}),
        },
    )


def _read_spec(model: JsonObject) -> ModelSpec:
    return msgspec.convert(model["spec"], ModelSpec)


def _frame(rows: Sequence[tuple[object, ...]], columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    naive = [tuple(value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row) for row in rows]
    return pl.DataFrame(naive, schema=cast("Any", {**SCHEMA, **columns}), orient="row")


def build(source: Source, folder: Path) -> Built:
    """Return the training set that the product's Spark step builds of the source, in a local session."""
    files = FolderFiles(folder)
    datasets = {}
    for name, frame in source.records.items():
        path = files.lake / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        part = InputPart(str(path.resolve()).lstrip("/"), sha256(path.read_bytes()).hexdigest(), len(frame))
        datasets[name] = InputDataset(f"ds_{name}", 1, source.columns[name], (part,))
    recipe = Recipe(WORKSPACE, source.spec, datasets, to_microseconds(source.cutoff))
    prefix = f"ws={WORKSPACE}/training_sets/{compute_training_set_id(recipe)}/"
    files.put_lake(f"{prefix}recipe.json", encode_recipe(recipe))
    place = f"file://{files.lake.resolve()}/{prefix}"
    session = _build_session()
    try:
        build_training_set(session, f"{place}recipe.json", place)
    finally:
        session.stop()
    return Built(source, files, prefix)


def _build_session() -> SparkSession:
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.executorEnv.PYTHONPATH": ":".join(sys.path),
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]").appName("report")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
