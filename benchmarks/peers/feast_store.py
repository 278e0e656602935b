"""Feast with its SQLite online store: `python -m benchmarks.peers.feast_store FOLDER`, run in Feast's environment.

Takes one JSON object a line on standard input, {"asked": [[entity, …], …]}, and answers the nanoseconds of each call and the values
of the last one. The first line, {"entities": […], "values": [[…], …]}, is what the store is filled with.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

KEY = "customer"
VIEW = "profile"


def build_store(folder: Path, columns: list[str]) -> Any:  # noqa: ANN401 - Feast's own store
    """Return a store in `folder` with one view of these features."""
    config = RepoConfig(
        project="benchmark",
        provider="local",
        registry=str(folder / "registry.db"),
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entity = Entity(name=KEY, join_keys=[KEY], value_type=ValueType.STRING)
    pd.DataFrame({KEY: ["x"], "at": [datetime.now(UTC)], **dict.fromkeys(columns, 0.0)}).to_parquet(folder / "rows.parquet")
    source = FileSource(path=str(folder / "rows.parquet"), timestamp_field="at")
    schema = [Field(name=column, dtype=Float64) for column in columns]
    view = FeatureView(name=VIEW, entities=[entity], ttl=timedelta(days=365), schema=schema, source=source)
    store.apply([entity, view])
    return store


def main(folder: Path) -> None:
    """Fill the store, then answer until the input ends."""
    given = json.loads(sys.stdin.readline())
    columns = [f"f{number:02d}" for number in range(len(given["values"][0]))]
    store = build_store(folder, columns)
    frame = pd.DataFrame(given["values"], columns=columns)
    frame.insert(0, KEY, given["entities"])
    frame["at"] = datetime.now(UTC)
    store.write_to_online_store(VIEW, df=frame)
    names = [f"{VIEW}:{column}" for column in columns]
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        spent = []
        found: Any = None
        for entities in json.loads(line)["asked"]:
            rows = [{KEY: entity} for entity in entities]
            began = time.perf_counter_ns()
            found = store.get_online_features(features=names, entity_rows=rows)
            spent.append(time.perf_counter_ns() - began)
        values = found.to_dict()
        answer = {"nanoseconds": spent, "values": [list(row) for row in zip(*[values[column] for column in columns], strict=True)]}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
