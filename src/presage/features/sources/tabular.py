"""Files that users import, as rows: CSV, TSV, Parquet, NDJSON. Read as they are iterated, whatever their size."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import chain
from shutil import copyfileobj
from typing import IO

import polars as pl

from presage.errors import InvalidInputError
from presage.features.sources.ports import FileFormat, FileRow, SourceFile
from presage.features.sources.unpacking import Member, unpack

MAX_LINE_CHARACTERS = 4 << 20
MAX_GROUP_ROWS_A_BYTE = 100
"""Rows of a Parquet file for each of its bytes, beyond the first `FREE_ROWS`: more is a bomb."""
FREE_ROWS = 1_000_000
MAX_TEXT_BYTES = 1 << 16
"""Of a text in a Parquet file, which holds a repeated one once."""
_SLICE_ROWS = 10_000
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_PARQUET_TYPES = "string, integer, float, boolean and timestamp"


@contextmanager
def open_source(file: IO[bytes], file_format: FileFormat, *, digest: str) -> Iterator[SourceFile]:
    """Yield the columns of a seekable file, which may be packed by gzip or zip, and its rows, which are read as they are iterated.

    All files of a zip have the same columns; `digest` is of the content.

    Raises:
        InvalidInputError: The file is not of that format; also while iterating.
    """
    size_bytes = max(file.seek(0, io.SEEK_END), 1)
    with ExitStack() as held:
        members = (_open_member(member, file_format, held) for member in unpack(file))
        columns, rows = next(members)
        yield SourceFile(columns, lambda: file.tell() / size_bytes, chain(rows, _continue(members, columns)), digest)


_Table = tuple[tuple[str, ...] | None, Iterator[FileRow]]


def _continue(members: Iterator[_Table], columns: tuple[str, ...] | None) -> Iterator[FileRow]:
    for others, rows in members:
        if others != columns:
            raise InvalidInputError(
                f"files of the zip have different columns: {', '.join(columns or ())} and {', '.join(others or ())}",
                path="$.key",
                code="malformed_file",
            )
        yield from rows


def _open_member(member: Member, file_format: FileFormat, held: ExitStack) -> _Table:
    name, stream = member
    if file_format == "parquet":
        return _open_parquet(name, stream, held)
    if file_format == "ndjson":
        return None, _iterate_lines(name, stream)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    held.callback(text.detach)  # it would close the stream
    return _open_delimited(name, text, _DELIMITERS[file_format])


def _iterate_lines(name: str, stream: IO[bytes]) -> Iterator[FileRow]:
    number = 0
    while line := stream.readline(MAX_LINE_CHARACTERS):
        number += 1
        if len(line) == MAX_LINE_CHARACTERS:
            raise _refuse("NDJSON", f"line {number} has more than {MAX_LINE_CHARACTERS} bytes", name)
        if text := line.strip():
            yield FileRow(number, text, part=name)


def _open_delimited(name: str, text: io.TextIOWrapper, delimiter: str) -> _Table:
    """Cells are text; an empty one is null. The first line names the columns; lines end in LF or CRLF, the text is UTF-8."""
    kind = "CSV" if delimiter == "," else "TSV"
    reader = csv.reader(_read_text_lines(text, kind, name), delimiter=delimiter, strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise _refuse(kind, "it is empty; expected a line of column names", name) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refuse(kind, str(error), name) from error
    duplicates = sorted({column for column in header if header.count(column) > 1})
    if duplicates:
        raise _refuse(kind, f"columns named twice: {', '.join(duplicates)}", name)
    return tuple(header), _iterate_cells(reader, header, kind, name)


def _read_text_lines(text: io.TextIOWrapper, kind: str, name: str) -> Iterator[str]:
    while line := text.readline(MAX_LINE_CHARACTERS):
        if len(line) == MAX_LINE_CHARACTERS:
            raise _refuse(kind, f"a line has more than {MAX_LINE_CHARACTERS} characters", name)
        yield line


def _iterate_cells(reader: Iterator[list[str]], header: list[str], kind: str, name: str) -> Iterator[FileRow]:
    line = 1
    try:
        for cells in reader:
            number, line = line + 1, reader.line_num  # type: ignore[attr-defined]  # csv's reader has it
            if not cells:
                continue
            if len(cells) == len(header):
                yield FileRow(number, {column: cell or None for column, cell in zip(header, cells, strict=True)}, part=name)
            else:
                yield FileRow(number, None, f"{len(cells)} cells; the header has {len(header)}", part=name)
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refuse(kind, f"behind line {line}: {error}", name) from error


def _open_parquet(name: str, stream: IO[bytes], held: ExitStack) -> _Table:
    """Timestamps without a zone are UTC; dates are refused, as a day is no instant. The line of a row is its number from 1."""
    file = held.enter_context(tempfile.NamedTemporaryFile())  # noqa: SIM115 - held as long as its rows are read
    try:
        copyfileobj(stream, file)
        file.flush()
        scan = pl.scan_parquet(file.name)
        schema, rows = scan.collect_schema(), int(scan.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refuse("Parquet", str(error), name) from error
    for column, kind in schema.items():
        if not (kind.is_numeric() or kind in {pl.String(), pl.Boolean()} or isinstance(kind, pl.Datetime)):
            raise _refuse("Parquet", f"column {column!r} is of type {kind}; expected {_PARQUET_TYPES}", name)
    if rows > max(FREE_ROWS, file.tell() * MAX_GROUP_ROWS_A_BYTE):
        raise InvalidInputError(f"{rows} rows in {file.tell()} bytes", path="$.key", code="file_too_large")
    return tuple(schema), _iterate_parquet(name, file, rows)


def _iterate_parquet(name: str, file: IO[bytes], rows: int) -> Iterator[FileRow]:
    with file:
        scan = pl.scan_parquet(file.name)
        for start in range(0, rows, _SLICE_ROWS):
            try:
                piece = scan.slice(start, _SLICE_ROWS).collect()
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _refuse("Parquet", f"behind row {start}: {error}", name) from error
            _check_texts(piece, start, name)
            for number, row in enumerate(piece.iter_rows(named=True), start=start + 1):
                yield FileRow(number, {column: _aware(cell) for column, cell in row.items()}, part=name)


def _check_texts(piece: pl.DataFrame, start: int, name: str) -> None:
    longest = piece.select(pl.max_horizontal(pl.col(pl.String()).str.len_bytes().max(), pl.lit(0, pl.UInt32()))).item()
    if longest > MAX_TEXT_BYTES:
        raise _refuse("Parquet", f"behind row {start}: a text of {longest} bytes; at most {MAX_TEXT_BYTES} are taken", name)


def _aware(cell: object) -> object:
    return cell.replace(tzinfo=UTC) if isinstance(cell, datetime) and cell.tzinfo is None else cell


def _refuse(kind: str, reason: str, name: str) -> InvalidInputError:
    of = f" {name!r} in it" if name else ""
    return InvalidInputError(f"the file{of} cannot be read as {kind}: {reason}", path="$.key", code="malformed_file")
