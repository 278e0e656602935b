"""What training sets are joined from in `make bench-training`: labels, three sets of records, and a checksum of what comes of them.

All values are multiples of 1/1024, and labels small integers, so sums of products are exact, whatever the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers.joined import FEATURES, LABELS, SETS

ROWS_PER_ENTITY = 10
ROW_GROUP = 125_000
DAY_US = 86_400_000_000
START_US = 19_000 * DAY_US
DAYS = 365
WEIGHTS = 1_021


@dataclass(frozen=True)
class Checksum:
    """Rows, and per column the number of values and the sum of value times label."""

    rows: int
    columns: dict[str, tuple[int, float]]


def list_columns() -> tuple[str, ...]:
    """Return the joined features' names, `<set>__<feature>`."""
    return tuple(f"{name}__{feature}" for name in SETS for feature in FEATURES)


def write_inputs(folder: Path, *, rows: int) -> None:
    """Write the labels and a file a set, each of so many rows, as the lake's parts hold them."""
    generator = np.random.default_rng(20_261_126)
    entities = pa.array([f"customer-{number:08d}" for number in range(max(1, rows // ROWS_PER_ENTITY))])
    labels = {**_draw_keys(generator, entities, rows), "label": pa.array(np.arange(rows) % WEIGHTS, pa.int32())}
    labels["at_us"], labels["split"] = labels["event_timestamp"].cast(pa.int64()), pa.array(["train"] * rows)
    (folder / LABELS).parent.mkdir()
    _write(labels, folder / LABELS)
    for name in SETS:
        records = {"record_id": pc.binary_join_element_wise(name, pa.array(np.arange(rows)).cast(pa.string()), "-")}
        records |= _draw_keys(generator, entities, rows)
        records["known_timestamp"] = records["event_timestamp"]
        records |= {feature: pa.array(generator.integers(0, 1 << 20, rows) / 1024) for feature in FEATURES}
        _write(records, folder / f"{name}.parquet")


def _draw_keys(generator: np.random.Generator, entities: Any, rows: int) -> dict[str, Any]:  # noqa: ANN401 - an Arrow array
    moments = START_US + generator.choice(DAYS * 86_400_000, rows, replace=False).astype(np.int64) * 1_000
    return {
        "entity_id": entities.take(pa.array(generator.integers(0, len(entities), rows))),
        "event_timestamp": pa.array(moments, pa.timestamp("us")),
    }


def _write(columns: dict[str, Any], path: Path) -> None:
    pq.write_table(pa.table(columns), path, row_group_size=ROW_GROUP)


def compute_checksum(output: Path) -> Checksum:
    """Return the checksum of a parquet file, or of all in a folder."""
    files = sorted(output.glob("*.parquet")) if output.is_dir() else [output]
    rows, found = 0, dict.fromkeys(list_columns(), (0, 0.0))
    for file in files:
        table = pq.read_table(file, columns=["label", *found])
        rows += len(table)
        labels = table["label"].cast(pa.float64())
        for name, (count, total) in found.items():
            products = pc.multiply(table[name], labels)
            found[name] = (count + len(table) - table[name].null_count, total + (pc.sum(products).as_py() or 0.0))
    return Checksum(rows, found)
