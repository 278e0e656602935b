"""The parts of a version as the lake holds them: 20 columns of all kinds, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from presage.features.dataset import Column, Dataset
from presage.features.profiling.pieces import build_arrow_schema
from tests.fixtures.feature_records import NOW

PART_ROWS = 200_000
CHECKED = "price"
"""The column whose nulls, mean and median all engines must agree on."""
NUMBERS = ("score", "price", "rate", "ratio", "weight", "reading", "age", "visits", "code", "clicks", "basket")
TEXTS = ("plan", "city", "session", "sku")
COLUMNS = (*(Column(name, "number") for name in NUMBERS), *(Column(name, "string") for name in TEXTS), Column("returned", "boolean"))
DATASET = Dataset("ws_bench", "ds_bench", "orders", "customer", COLUMNS, NOW)
_YEAR_MICROSECONDS = 365 * 86_400 * 10**6


def write_parts(folder: Path, *, rows: int) -> list[Path]:
    """Write parts of `PART_ROWS` rows, as the platform compresses them, and return their paths."""
    folder.mkdir()
    paths = []
    for start in range(0, rows, PART_ROWS):
        path = folder / f"{start // PART_ROWS:05d}.parquet"
        table = _draw(start, min(PART_ROWS, rows - start))
        frame = pl.DataFrame(pl.from_arrow(table))  # written as parts are (`encode_part`)
        frame.write_parquet(path, compression="zstd", compression_level=3, row_group_size=PART_ROWS)
        paths.append(path)
    return paths


def _draw(start: int, rows: int) -> pa.Table:
    rng = np.random.default_rng(start)
    event = np.sort(1_700_000_000_000_000 + rng.integers(0, _YEAR_MICROSECONDS, rows))
    numbers = [
        rng.normal(size=rows),
        rng.lognormal(3, 1, rows),
        rng.exponential(100, rows),
        rng.random(rows),
        np.round(rng.gamma(2, 20, rows), 2),
        rng.normal(1e6, 1, rows),
        rng.integers(18, 90, rows).astype(np.float64),
        rng.poisson(3, rows).astype(np.float64),
        rng.integers(0, 10**9, rows).astype(np.float64),
        rng.zipf(1.6, rows).clip(0, 10**12).astype(np.float64),
        rng.integers(1, 2_000, rows).astype(np.float64),
    ]
    texts = [
        np.array(["free", "basic", "plus", "team", "enterprise"])[rng.choice(5, rows, p=[0.6, 0.3, 0.09, 0.0099, 0.0001])],
        _name("city", rng.integers(0, 1_000, rows)),
        _name("session-", rng.integers(0, 10**12, rows)),
        _name("sku", rng.zipf(1.3, rows) % 50_000),
    ]
    ids = _name("r", (np.arange(start, start + rows, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64))
    own = [ids, _name("c", rng.integers(0, 1_000_000, rows)), event, event + rng.integers(0, 10**9, rows)]
    nulls = [None, 0.1, 0.01, None, 0.05, None, None, 0.2, None, None, None, 0.02, None, None, 0.1, 0.1]
    values = [*numbers, *texts, rng.random(rows) < 0.001]  # noqa: PLR2004 - one in a thousand
    masks = [None if share is None else rng.random(rows) < share for share in nulls]
    schema = build_arrow_schema(COLUMNS)
    arrays = [pa.array(column) for column in own] + [pa.array(column, mask=mask) for column, mask in zip(values, masks, strict=True)]
    return pa.table([array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema)


def _name(prefix: str, numbers: NDArray[np.generic]) -> NDArray[np.str_]:
    return np.char.add(prefix, numbers.astype(np.str_))


def count_rows(paths: Sequence[Path]) -> list[int]:
    """Return the rows of each part."""
    return [pq.read_metadata(path).num_rows for path in paths]
