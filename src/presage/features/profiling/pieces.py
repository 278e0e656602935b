"""The rows of parts in pieces of one size, whatever the size of the parts: what follows costs by the piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from presage.errors import CorruptArtifactError
from presage.features.dataset import Column
from presage.features.profiling.hashing import Hashes, hash_texts
from presage.features.profiling.quantiles import PIECE_ROWS
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP, RECORD_ID

_TYPES = {"number": pa.float64(), "string": pa.string(), "boolean": pa.bool_()}
_ENCODED_BYTES_A_ROW = 3
"""A column of texts that takes less than this is stored as a dictionary and read as one: a plain text has 4 bytes besides its own."""


@dataclass(frozen=True)
class Piece:
    """Some rows (an Arrow record batch), and the hashes of their record ids."""

    rows: Any
    hashes: Hashes


def build_arrow_schema(columns: Sequence[Column]) -> Any:  # noqa: ANN401 - Arrow has no types
    """Return the columns of a part."""
    own = [(RECORD_ID, pa.string()), (ENTITY_ID, pa.string()), (EVENT_TIMESTAMP, pa.timestamp("us")), (KNOWN_TIMESTAMP, pa.timestamp("us"))]
    return pa.schema([*own, *((column.name, _TYPES[column.type]) for column in columns)])


def read_pieces(bodies: Iterable[tuple[bytes, NDArray[np.int64] | None]], schema: Any) -> Iterator[Piece]:  # noqa: ANN401 - Arrow has no types
    """Yield the rows of parts, in order, all but the last piece of at least `PIECE_ROWS`.

    Args:
        bodies: Parquet files, and the places of rows to leave out.
        schema: The columns to read; one that a part lacks is null in its rows.

    Raises:
        CorruptArtifactError: A part is not parquet, or its columns have other types.
    """
    waiting: list[Any] = []
    rows = 0
    for body, left_out in bodies:
        for batch in _read_batches(body, left_out, schema):
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= PIECE_ROWS:
                yield _join(waiting)
                waiting, rows = [], 0
        del body  # or the next part would be fetched beside it
    if rows:
        yield _join(waiting)


def _join(batches: list[Any]) -> Piece:
    if len(batches) == 1:
        (rows,) = batches
    else:
        table = pa.Table.from_batches([_decode(batch) for batch in batches]).combine_chunks()
        (rows,) = table.to_batches()
    return Piece(rows, hash_texts(rows.column(RECORD_ID)))


def _decode(batch: Any) -> Any:  # noqa: ANN401 - Arrow has no types
    fields = [pa.field(field.name, field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in batch.schema]
    return batch.cast(pa.schema(fields))


def _read_batches(body: bytes, left_out: NDArray[np.int64] | None, schema: Any) -> Iterator[Any]:  # noqa: ANN401 - Arrow has no types
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        names = set(file.schema_arrow.names)
        if file.metadata.num_rows >= PIECE_ROWS:
            file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=_find_encoded(file, schema))
        begin = 0
        wanted = [name for name in schema.names if name in names]
        for batch in file.iter_batches(PIECE_ROWS, columns=wanted, use_threads=False):
            aligned = _align(batch, schema)
            if left_out is not None:
                kept = np.ones(batch.num_rows, dtype=np.bool_)
                here = left_out[(left_out >= begin) & (left_out < begin + batch.num_rows)] - begin
                kept[here] = False
                aligned = aligned.filter(pa.array(kept))
            begin += batch.num_rows
            if aligned.num_rows:
                yield aligned
    except (pa.ArrowException, OSError) as error:
        raise CorruptArtifactError(f"a part of {len(body)} bytes cannot be read: {error}") from error


def _find_encoded(file: Any, schema: Any) -> list[str]:  # noqa: ANN401 - Arrow has no types
    """Return the columns of texts that are stored as dictionaries throughout."""
    metadata = file.metadata
    places = {metadata.schema.column(place).name: place for place in range(metadata.num_columns)}
    found = []
    for field in schema:
        if field.type == pa.string() and field.name in places:
            chunks = [metadata.row_group(group).column(places[field.name]) for group in range(metadata.num_row_groups)]
            if all(chunk.total_uncompressed_size < _ENCODED_BYTES_A_ROW * chunk.num_values for chunk in chunks):
                found.append(field.name)
    return found


def _narrow(array: Any) -> Any:  # noqa: ANN401 - Arrow has no types
    """Return large strings as strings, encoded if they are: a piece holds less than 2 GiB of them."""
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
    return array.cast(pa.string())


def _align(batch: Any, schema: Any) -> Any:  # noqa: ANN401 - Arrow has no types
    """Return the batch with the columns of `schema`, in its order."""
    arrays, fields = [], []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        array = pa.nulls(batch.num_rows, field.type) if place < 0 else batch.column(place)
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        if kind != field.type:
            if not (pa.types.is_large_string(kind) and field.type == pa.string()):
                raise CorruptArtifactError(f"column {field.name!r} of a part is of type {kind}; expected {field.type}")
            array = _narrow(array)
        arrays.append(array)
        fields.append(pa.field(field.name, array.type))
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
