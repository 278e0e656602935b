"""Files that users import, as rows: CSV, Parquet, NDJSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import polars as pl

from presage.errors import InvalidInputError
from presage.features.sources.ports import FileFormat, FileRow, SourceFile

_SLICE_ROWS = 10_000
_PARQUET_TYPES = "string, integer, float, boolean and timestamp"


def open_source(body: bytes, file_format: FileFormat) -> SourceFile:
    """Return the file's columns and its rows, which are read as they are iterated.

    Raises:
        InvalidInputError: The file is not of that format; for CSV and NDJSON also while iterating.
    """
    if file_format == "csv":
        return _open_csv(body)
    if file_format == "parquet":
        return _open_parquet(body)
    return SourceFile(None, body.count(b"\n") + 1, _iterate_lines(body), _digest(body))


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def _iterate_lines(body: bytes) -> Iterator[FileRow]:
    for number, line in enumerate(io.BytesIO(body), start=1):
        text = line.strip()
        if text:
            yield FileRow(number, text)


def _open_csv(body: bytes) -> SourceFile:
    """Cells are text; an empty one is null. The first line names the columns; lines end in LF or CRLF, the text is UTF-8."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise _refuse("CSV", "it is empty; expected a line of column names") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refuse("CSV", str(error)) from error
    duplicates = sorted({name for name in header if header.count(name) > 1})
    if duplicates:
        raise _refuse("CSV", f"columns named twice: {', '.join(duplicates)}")
    return SourceFile(tuple(header), max(body.count(b"\n"), 1), _iterate_csv(reader, header), _digest(body))


def _iterate_csv(reader: Iterator[list[str]], header: list[str]) -> Iterator[FileRow]:
    line = 1
    try:
        for cells in reader:
            number, line = line + 1, reader.line_num  # type: ignore[attr-defined]  # csv's reader has it
            if not cells:
                continue
            if len(cells) == len(header):
                yield FileRow(number, {name: cell or None for name, cell in zip(header, cells, strict=True)})
            else:
                yield FileRow(number, None, f"{len(cells)} cells; the header has {len(header)}")
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refuse("CSV", f"behind line {line}: {error}") from error


def _open_parquet(body: bytes) -> SourceFile:
    """Timestamps without a zone are UTC; dates are refused, as a day is no instant. The line of a row is its number from 1."""
    try:
        frame = pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refuse("Parquet", str(error)) from error
    for name, kind in frame.schema.items():
        if not (kind.is_numeric() or kind in {pl.String(), pl.Boolean()} or isinstance(kind, pl.Datetime)):
            raise _refuse("Parquet", f"column {name!r} is of type {kind}; expected {_PARQUET_TYPES}")
    return SourceFile(tuple(frame.columns), frame.height, _iterate_frame(frame), _digest(body))


def _iterate_frame(frame: pl.DataFrame) -> Iterator[FileRow]:
    number = 0
    for piece in frame.iter_slices(_SLICE_ROWS):
        for row in piece.iter_rows(named=True):
            number += 1
            yield FileRow(number, {name: _aware(cell) for name, cell in row.items()})


def _aware(cell: object) -> object:
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) and cell.tzinfo is None else cell


def _refuse(kind: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"the file cannot be read as {kind}: {reason}", code="malformed_file")
