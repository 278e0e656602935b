"""DuckDB's ASOF joins: `python -m benchmarks.peers.duckdb_joins`, run in DuckDB's environment.

Takes one JSON object a line, {"folder": …, "output": …}, and answers the seconds. Two threads, 6 GB.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from benchmarks.peers.joined import FEATURES, LABELS, SETS


def join(folder: Path, output: Path) -> None:
    """Write the rows with each set's values as of the label."""
    connection = duckdb.connect(
        config={"threads": 2, "memory_limit": "6GB", "temp_directory": str(folder / "duckdb"), "preserve_insertion_order": False}
    )
    columns = ", ".join(f"{name}.{feature} AS {name}__{feature}" for name in SETS for feature in FEATURES)
    joins = " ".join(
        f"ASOF LEFT JOIN '{folder}/{name}.parquet' {name}"
        f" ON labels.entity_id = {name}.entity_id AND labels.event_timestamp >= {name}.event_timestamp"
        for name in SETS
    )
    rows = f"SELECT labels.entity_id, labels.event_timestamp, labels.label, {columns} FROM '{folder}/{LABELS}' labels {joins}"  # noqa: S608 - names of our own
    connection.execute(f"COPY ({rows}) TO '{output}' (FORMAT parquet)")
    connection.close()


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        output = Path(asked["output"])
        output.unlink(missing_ok=True)
        began = time.perf_counter()
        join(Path(asked["folder"]), output)
        sys.stdout.write(f"{json.dumps({'seconds': time.perf_counter() - began})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
