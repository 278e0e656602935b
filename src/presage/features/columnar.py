"""Records as columns: the parquet parts of the lake, and all rows of a version as one frame."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC

import polars as pl

from presage.errors import CorruptArtifactError
from presage.features.dataset import Dataset
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP, RECORD_ID, Record

_TIMESTAMP = pl.Datetime("us")
_COLUMN_TYPES = {"number": pl.Float64(), "string": pl.String(), "boolean": pl.Boolean()}
_COMPRESSION_LEVEL = 3


def build_schema(dataset: Dataset) -> dict[str, pl.DataType]:
    """Return the columns of a dataset's parts, in order.

    Columns: record_id, entity_id (string), event_timestamp, known_timestamp (naive UTC, microseconds), then the dataset's.
    """
    schema: dict[str, pl.DataType] = {
        RECORD_ID: pl.String(),
        ENTITY_ID: pl.String(),
        EVENT_TIMESTAMP: _TIMESTAMP,
        KNOWN_TIMESTAMP: _TIMESTAMP,
    }
    return schema | {column.name: _COLUMN_TYPES[column.type] for column in dataset.columns}


def encode_part(dataset: Dataset, records: Sequence[Record]) -> bytes:
    """Return the parquet bytes of records, in their order. Same arguments, same bytes.

    Grain: one row per record.
    """
    data: dict[str, list[object]] = {
        RECORD_ID: [record.record_id for record in records],
        ENTITY_ID: [record.entity_id for record in records],
        EVENT_TIMESTAMP: [record.event_timestamp.astimezone(UTC).replace(tzinfo=None) for record in records],
        KNOWN_TIMESTAMP: [record.known_timestamp.astimezone(UTC).replace(tzinfo=None) for record in records],
    }
    data |= {column.name: [record.values.get(column.name) for record in records] for column in dataset.columns}
    frame = pl.DataFrame(data, schema=build_schema(dataset))
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=_COMPRESSION_LEVEL, row_group_size=max(len(records), 1))
    return buffer.getvalue()


def count_rows(part: bytes) -> int:
    """Return how many rows a part holds.

    Raises:
        CorruptArtifactError: It is not parquet.
    """
    try:
        return int(pl.scan_parquet(io.BytesIO(part)).select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifactError(f"a part of {len(part)} bytes is not parquet: {error}") from error


def read_ids(part: bytes) -> list[tuple[str, int]]:
    """Return the record id of each row and its known timestamp in microseconds since 1970 (UTC).

    Raises:
        CorruptArtifactError: It is not parquet.
    """
    try:
        frame = pl.read_parquet(io.BytesIO(part), columns=[RECORD_ID, KNOWN_TIMESTAMP])
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CorruptArtifactError(f"a part of {len(part)} bytes is not parquet: {error}") from error
    return frame.with_columns(pl.col(KNOWN_TIMESTAMP).cast(_TIMESTAMP).cast(pl.Int64)).rows()


def build_version_frame(dataset: Dataset, parts: Iterable[bytes]) -> pl.DataFrame:
    """Return the rows of all parts in the order of (event_timestamp, record_id).

    Grain: one row per record_id, the earliest known; of equally early ones, that of the part that came first.
    Columns: those of `build_schema`; a column that a part lacks is null in its rows.

    Raises:
        CorruptArtifactError: A part is not parquet, or its columns have other types.
    """
    schema = build_schema(dataset)
    try:
        frames = [_align(pl.read_parquet(io.BytesIO(part)), schema) for part in parts]
        rows = pl.concat([pl.DataFrame(schema=schema), *frames], rechunk=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CorruptArtifactError(f"a part of dataset {dataset.dataset_id} cannot be read: {error}") from error
    return (
        rows.sort(KNOWN_TIMESTAMP, maintain_order=True)
        .unique(RECORD_ID, keep="first", maintain_order=True)
        .sort(EVENT_TIMESTAMP, RECORD_ID)
        .rechunk()
    )


def _align(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(list(schema))
