"""Arrow tables of records and rows: read from parquet, packed and divided, one record kept per record id."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from presage.errors import CorruptArtifactError
from presage.spark.columnar.features import Column, Records
from presage.spark.columnar.job import Slice
from presage.spark.columnar.segments import compose, order_with_ties
from presage.spark.columnar.strings import hash_strings, rank_strings

ARROW_TYPES = {"number": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}
HASH = "record_hash"
RECORD_COLUMNS = ("record_id", "entity_id", "event_us", "known_us")
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def open_file(uri: str) -> Tuple[Any, str]:
    """Return Arrow's (file system, path) of a URI; on S3 the credentials and the region are those that AWS's SDK finds."""
    scheme, _, path = uri.partition("://")
    if scheme in {"s3", "s3a"}:
        return pafs.S3FileSystem(), path
    files, path = pafs.FileSystem.from_uri(uri)
    return pafs.LocalFileSystem(use_mmap=True) if isinstance(files, pafs.LocalFileSystem) else files, path


def read_slice(piece: Slice, columns: Sequence[str]) -> Any:  # noqa: ANN401 - an Arrow table
    """Return the slice's rows, of the columns that the file has.

    Raises:
        CorruptArtifactError: The file holds another number of rows than it should.
    """
    files, path = open_file(piece.uri)
    with files.open_input_file(path) as source:
        reader = pq.ParquetFile(source)
        if piece.rows not in {-1, reader.metadata.num_rows}:
            raise CorruptArtifactError(f"{piece.uri}: {reader.metadata.num_rows} rows, the manifest says {piece.rows}")
        groups = range(piece.share, reader.num_row_groups, piece.shares)
        there = [name for name in columns if name in reader.schema_arrow.names]
        return reader.read_row_groups(list(groups), columns=there, use_threads=False).combine_chunks()


def read_records(piece: Slice, columns: Mapping[str, str]) -> Any:  # noqa: ANN401 - an Arrow table
    """Return a part's records: `RECORD_COLUMNS`, the dataset's columns in their declared types (null where the part has none), `HASH`."""
    table = read_slice(piece, ["record_id", "entity_id", "event_timestamp", "known_timestamp", *columns])
    arrays = [table["record_id"].cast(pa.string()), table["entity_id"].cast(pa.string())]
    arrays += [table[name].cast(pa.timestamp("us")).cast(pa.int64()) for name in ("event_timestamp", "known_timestamp")]
    for name, kind in columns.items():
        there = name in table.column_names
        arrays.append(table[name].cast(ARROW_TYPES[kind]) if there else pa.nulls(len(table), ARROW_TYPES[kind]))
    arrays.append(pa.array(hash_strings(table["record_id"])))
    return pa.table(arrays, names=[*RECORD_COLUMNS, *columns, HASH])


def pack(table: Any) -> bytes:  # noqa: ANN401 - an Arrow table
    """Return the table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpack(packed: Sequence[bytes]) -> Any:  # noqa: ANN401 - an Arrow table
    """Return the tables of some Arrow streams as one."""
    return pa.concat_tables([pa.ipc.open_stream(body).read_all() for body in packed]).combine_chunks()


def split(table: Any, places: Ints) -> List[Tuple[int, Any]]:  # noqa: ANN401 - an Arrow table
    """Return (place, its rows) for each place that has some."""
    counts = np.bincount(places)
    ordered = table.take(pa.array(np.argsort(places.astype(np.uint16) if len(counts) < 2**16 else places, kind="stable")))
    ends = np.cumsum(counts)
    return [(int(place), ordered.slice(int(ends[place] - counts[place]), int(counts[place]))) for place in np.flatnonzero(counts)]


def has_repeated(hashes: npt.NDArray[np.uint64]) -> bool:
    """Return whether any is there twice."""
    ordered = np.sort(hashes)
    return bool((ordered[1:] == ordered[:-1]).any())


def keep_first(records: Any, columns: Sequence[str]) -> Any:  # noqa: ANN401 - an Arrow table
    """Return one record per record id: the earliest known, then the smallest content."""
    hashes = records[HASH].to_numpy()
    if not has_repeated(hashes):
        return records
    order = np.argsort(hashes)
    same = hashes[order][1:] == hashes[order][:-1]
    suspects = order[np.append(same, False) | np.append(False, same)]
    dropped = set(suspects.tolist()) - set(choose_first(records.take(pa.array(suspects)), suspects.tolist(), columns))
    kept = np.ones(len(records), np.bool_)
    kept[list(dropped)] = False
    return records.filter(pa.array(kept))


def choose_first(records: Any, names: Sequence[int], columns: Sequence[str]) -> List[int]:  # noqa: ANN401 - an Arrow table
    """Return the names of those records that are the first of their record id; `names` are given in the records' order."""
    best: Dict[str, Tuple[Any, int]] = {}
    for name, row in zip(names, records.to_pylist()):
        content = (row["known_us"], row["event_us"], row["entity_id"], [_rank_value(row[column]) for column in columns])
        other = best.get(row["record_id"])
        if other is None or content < other[0]:
            best[row["record_id"]] = (content, name)
    return [name for _, name in best.values()]


def _rank_value(value: Any) -> Tuple[int, Any]:  # noqa: ANN401 - of any column
    """Return what orders as Spark does: nothing first, NaN last."""
    if value is None:
        return 0, 0
    if isinstance(value, float) and math.isnan(value):
        return 2, 0
    return 1, value


def build_records(table: Any, codes: Ints, columns: Mapping[str, str], *, known_time: bool = True) -> Records:  # noqa: ANN401 - an Arrow table
    """Return the records in the order of (codes, usable, record id); without `known_time`, an event is taken as usable when it happens."""
    event, known = (table[name].to_numpy() for name in ("event_us", "known_us"))
    usable = np.maximum(event, known) if known_time else event
    order = order_with_ties(compose(codes, usable), lambda places: rank_strings(table["record_id"].combine_chunks().take(pa.array(places))))
    stored = {name: _build_column(table[name], kind) for name, kind in columns.items()}
    return Records(codes[order], usable[order], event[order], known[order], order, stored)


def _build_column(values: Any, kind: str) -> Column:  # noqa: ANN401 - an Arrow array
    valid = np.ones(len(values), np.bool_) if values.null_count == 0 else pc.is_valid(values).to_numpy()
    if kind == "string":
        return Column(np.zeros(0), valid, complete=values.null_count == 0)
    if kind == "category":
        told = values.combine_chunks().dictionary_encode()
        numbered = pc.fill_null(told.indices.cast(pa.float64()), 0.0).to_numpy()
        return Column(numbered, valid, values.null_count == 0, tuple(told.dictionary.to_pylist()))
    numbers = values.cast(pa.float64()) if values.null_count == 0 else pc.fill_null(values.cast(pa.float64()), 0.0)
    return Column(numbers.to_numpy(), valid, complete=values.null_count == 0)
