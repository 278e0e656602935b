"""Records in files: NDJSON as the API takes it, and CSV by a header."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Literal

import msgspec
import typer

from presage_client.public_models import Record

FIELDS = {"record_id", "entity_id", "event_timestamp", "known_timestamp", "values"}
ColumnType = Literal["boolean", "number", "string"]
TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Line:
    """A line of a file: a record, or what keeps it from being one."""

    number: int
    text: str
    record: Record | None = None
    problem: str = ""


@dataclass(frozen=True)
class Columns:
    """Which columns of a CSV file are what; all others hold values, of these types."""

    entity: str = "entity_id"
    event_timestamp: str = "event_timestamp"
    known_timestamp: str = "known_timestamp"
    record_id: str = "record_id"
    types: Mapping[str, ColumnType] = field(default_factory=dict)

    def name_fields(self) -> dict[str, str]:
        """Return the record's fields by column."""
        return {
            self.entity: "entity_id",
            self.event_timestamp: "event_timestamp",
            self.known_timestamp: "known_timestamp",
            self.record_id: "record_id",
        }


class Counted:
    """The lines of a file, and how many bytes of it were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.bytes = file, 0

    def __iter__(self) -> Iterator[str]:
        """Yield the lines as texts; bytes that are no UTF-8 become ones that no record may hold."""
        for line in self._file:
            self.bytes += len(line)
            yield line.decode(errors="surrogateescape").removeprefix("\ufeff")


def read_ndjson(lines: Counted) -> Iterator[Line]:
    """Yield a record a line; empty lines are skipped."""
    for number, text in enumerate(lines, 1):
        if text.strip():
            yield read_line(number, text.rstrip("\r\n"), lambda text: msgspec.json.decode(text.encode()))


def read_csv(lines: Counted, columns: Columns) -> Iterator[Line]:
    """Yield a record a row below the header; empty cells are left out.

    Raises:
        typer.BadParameter: The header lacks a column that is needed, or has one whose type nobody told.
    """
    rows = csv.reader(iter(lines), strict=True)
    header = next(rows, [])
    check_header(header, columns)
    fields = columns.name_fields()
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(rows.line_num, "", problem=str(error))
            continue
        if row:
            yield read_line(rows.line_num, ",".join(row), lambda _, row=row: build_row(header, row, fields, columns.types))  # type: ignore[misc]  # a default


def check_header(header: list[str], columns: Columns) -> None:
    """Refuse a header by which rows could not be read.

    Raises:
        typer.BadParameter: It lacks a column that is needed, has one twice, or one whose type nobody told.
    """
    for name, option in ((columns.entity, "--entity-column"), (columns.event_timestamp, "--event-timestamp-column")):
        if name not in header:
            raise typer.BadParameter(f"the file has no column {name!r}; it has: {', '.join(header)}", param_hint=option)
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise typer.BadParameter(f"the file has two columns of one name: {', '.join(twice)}")
    untold = [name for name in header if name not in columns.name_fields() and name not in columns.types]
    if untold:
        raise typer.BadParameter(
            f"nobody told the type of {', '.join(untold)}: write {untold[0]}=number, boolean or string", param_hint="--type"
        )


def build_row(header: list[str], row: list[str], fields: Mapping[str, str], types: Mapping[str, ColumnType]) -> dict[str, Any]:
    """Return a row as a record's JSON.

    Raises:
        ValueError: It has more or fewer cells than the header, or one that is not of its column's type.
    """
    if len(row) != len(header):
        raise ValueError(f"the row has {len(row)} cells, the header {len(header)}")
    cells = {name: cell for name, cell in zip(header, row, strict=True) if cell}
    values = {name: read_cell(name, cell, types[name]) for name, cell in cells.items() if name not in fields}
    return {**{fields[name]: cell for name, cell in cells.items() if name in fields}, "values": values}


def read_cell(name: str, cell: str, kind: ColumnType) -> float | str | bool:
    """Return a cell's value.

    Raises:
        ValueError: It is not of the column's type.
    """
    if kind == "string":
        return cell
    try:
        return TRUTHS[cell.strip().lower()] if kind == "boolean" else float(cell)
    except (KeyError, ValueError):
        raise ValueError(f"{name} is {cell!r}, and no {kind}") from None


def check_zones(record: Record) -> Record:
    """Return a record whose times have zones.

    Raises:
        ValueError: One has none.
    """
    for name in ("event_timestamp", "known_timestamp"):
        moment = getattr(record, name)
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise ValueError(f"{name} is {moment.isoformat()}, without a time zone; for UTC, end it with Z")
    return record


def read_line(number: int, text: str, decode: Callable[[str], Any]) -> Line:
    """Return a line as a record, or with what is wrong with it."""
    try:
        found = decode(text)
        unknown = sorted(found.keys() - FIELDS) if isinstance(found, dict) else []
        if not unknown:
            return Line(number, text, record=check_zones(msgspec.convert(found, Record)))
    except (ValueError, msgspec.MsgspecError) as error:
        return Line(number, text, problem=str(error))
    return Line(number, text, problem=f"a record has no field {', '.join(unknown)}; it has: {', '.join(sorted(FIELDS))}")
