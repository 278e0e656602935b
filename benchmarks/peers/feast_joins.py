"""Feast's point-in-time join on its DuckDB offline store: `python -m benchmarks.peers.feast_joins`, run in Feast's environment.

Takes one JSON object a line, {"folder": …, "output": …}, and answers the seconds. The registry is filled outside of the time.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

from benchmarks.peers.joined import FEATURES, LABELS, SETS


def build_store(folder: Path, registry: Path) -> Any:  # noqa: ANN401 - Feast's own store
    """Return a store with one view a set."""
    config = RepoConfig(
        project="benchmark",
        provider="local",
        registry=str(registry / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store={"type": "sqlite", "path": str(registry / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entity = Entity(name="customer", join_keys=["entity_id"], value_type=ValueType.STRING)
    schema = [Field(name=feature, dtype=Float64) for feature in FEATURES]
    views = [
        FeatureView(
            name=name,
            entities=[entity],
            ttl=timedelta(0),
            schema=schema,
            source=FileSource(path=str(folder / f"{name}.parquet"), timestamp_field="event_timestamp"),
        )
        for name in SETS
    ]
    store.apply([entity, *views])
    return store


def join(store: Any, folder: Path, output: Path) -> None:  # noqa: ANN401 - Feast's own store
    """Write the rows with each set's values as of the label."""
    labels = pd.read_parquet(folder / LABELS, columns=["entity_id", "event_timestamp", "label"])
    features = [f"{name}:{feature}" for name in SETS for feature in FEATURES]
    found = store.get_historical_features(entity_df=labels, features=features, full_feature_names=True).to_arrow()
    pq.write_table(found, output)


def main() -> None:
    """Answer until the input ends."""
    with tempfile.TemporaryDirectory(prefix="presage-bench-feast-") as registry:
        stores: dict[str, Any] = {}
        for line in sys.stdin:
            asked = json.loads(line)
            folder, output = Path(asked["folder"]), Path(asked["output"])
            if asked["folder"] not in stores:
                place = Path(registry, str(len(stores)))
                place.mkdir()
                stores = {asked["folder"]: build_store(folder, place)}
            output.unlink(missing_ok=True)
            began = time.perf_counter()
            join(stores[asked["folder"]], folder, output)
            sys.stdout.write(f"{json.dumps({'seconds': time.perf_counter() - began})}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
