"""A file of the lake as a source: what is asked for, how its rows become records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import msgspec

from presage.errors import InvalidInputError, NotFoundError
from presage.features.dataset import ColumnType, Dataset
from presage.features.diagnosis import Fault
from presage.features.keys import build_imports_prefix
from presage.features.records import Record
from presage.features.sources.model import Position, RowFault, SourceBatch
from presage.features.sources.ports import FileFormat, FileRow, ImportFiles
from presage.features.validation import reader_of

BATCH_ROWS = 5_000
_RECORD_ID = "record_id"
_WIRE_NAMES: Mapping[str, str] = {
    "entity_id": "$.entity_column",
    "event_timestamp": "$.event_timestamp_column",
    "known_timestamp": "$.known_timestamp_column",
}
_BOOLEANS: Mapping[str, bool] = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which object of the lake, and which of its columns are the record's own.

    The file's other columns are the dataset's, by name; an optional column `record_id` names the records. NDJSON holds
    records in wire form, so its columns are the wire form's.
    """

    key: str
    file_format: FileFormat
    entity_column: str = "entity_id"
    event_timestamp_column: str = "event_timestamp"
    known_timestamp_column: str | None = None


class FileSource:
    """`Source` on a file. A position is a number of rows, in a file of the same content."""

    def __init__(self, files: ImportFiles, request: ImportRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        self._files = files
        self._request = request
        self._dataset = dataset
        self._reader = RowReader(request, dataset, now=now)

    def read(self, position: Position) -> Iterator[SourceBatch]:
        """Yield the rows behind `position`.

        Raises:
            InvalidInputError: The file is not of that format, its columns do not fit, or it is another one than before.
            NotFoundError: There is no such file.
        """
        if not self._request.key.startswith(build_imports_prefix(self._dataset.workspace_id)):
            raise NotFoundError(f"there is no uploaded file {self._request.key!r}")
        done = msgspec.convert(dict(position), _FilePosition)
        with self._files.open_file(self._request.key, self._request.file_format) as file:
            check_columns_of_file(self._request, self._dataset, file.columns)
            if done.rows and done.digest != file.digest:
                reason = "the file is another one than when its import began; import it again"
                raise InvalidInputError(reason, path="$.key", code="file_changed")
            rows = islice(file.rows, done.rows, None)
            read = done.rows
            while batch := [self._reader.read_row(row) for row in islice(rows, BATCH_ROWS)]:
                read += len(batch)
                yield SourceBatch(batch, msgspec.to_builtins(_FilePosition(read, file.digest)), file.get_fraction())


@dataclass(frozen=True, slots=True)
class _FilePosition:
    rows: int = 0
    digest: str = ""


def check_columns_of_file(request: ImportRequest, dataset: Dataset, columns: tuple[str, ...] | None) -> None:
    """Refuse a file whose columns do not fit the request and the dataset, before anything is read.

    Raises:
        InvalidInputError: A named column is not there, or the file has one that the dataset has not; `path` says which.
    """
    if columns is None:
        _check_wire_names(request)
        return
    named = {
        "$.entity_column": request.entity_column,
        "$.event_timestamp_column": request.event_timestamp_column,
        "$.known_timestamp_column": request.known_timestamp_column,
    }
    for path, name in named.items():
        if name is not None and name not in columns:
            raise InvalidInputError(f"the file has no column {name!r}; it has {', '.join(columns)}", path=path, code="unknown_column")
    allowed = {column.name for column in dataset.columns} | {name for name in named.values() if name} | {_RECORD_ID}
    unknown = [name for name in columns if name not in allowed]
    if unknown:
        raise InvalidInputError(
            f"dataset {dataset.name!r} has no column {', '.join(map(repr, unknown))}; leave them out of the file",
            path="$.key",
            code="unknown_column",
        )


class RowReader:
    """Makes records of a file's rows, by the same rules as the API."""

    def __init__(self, request: ImportRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        self._request = request
        self._types: Mapping[str, ColumnType] = {column.name: column.type for column in dataset.columns}
        self._reader = reader_of(dataset.columns)
        self._is_text = request.file_format in {"csv", "tsv"}
        self._now = now

    def read_row(self, row: FileRow) -> Record | RowFault:
        """Return the row's record, or why there is none."""
        if row.content is None:
            return RowFault(row.line, "malformed_row", "$", row.fault, row.part)
        if isinstance(row.content, bytes):
            outcome = self._reader.read_json(row.content, now=self._now)
        else:
            outcome = self._reader.read_mapping(self._to_wire(row.content), now=self._now)
        return RowFault(row.line, outcome.code, outcome.path, outcome.message, row.part) if isinstance(outcome, Fault) else outcome

    def _to_wire(self, cells: Mapping[str, object]) -> dict[str, object]:
        request = self._request
        known = request.known_timestamp_column
        record_id = None if _RECORD_ID in self._types else cells.get(_RECORD_ID)
        wire = {
            "record_id": _to_text(record_id),
            "entity_id": _to_text(cells[request.entity_column]),
            "event_timestamp": cells[request.event_timestamp_column],
            "known_timestamp": cells[known] if known else None,
            "values": {name: self._to_value(cells[name], kind) for name, kind in self._types.items() if name in cells},
        }
        return {field: value for field, value in wire.items() if value is not None}

    def _to_value(self, cell: object, kind: ColumnType) -> object:
        """Return the cell as the column's type where its text says so; otherwise as it is, for validation to refuse."""
        if not self._is_text or not isinstance(cell, str) or kind == "string":
            return _to_text(cell) if kind == "string" and not isinstance(cell, str) else cell
        if kind == "boolean":
            return _BOOLEANS.get(cell.strip().lower(), cell)
        try:
            return cell if "_" in cell else float(cell)
        except ValueError:
            return cell


def _to_text(cell: object) -> object:
    """Return an identifier or string cell as text: integers of typed files count as such, other types do not."""
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _check_wire_names(request: ImportRequest) -> None:
    given = (request.entity_column, request.event_timestamp_column, request.known_timestamp_column or "known_timestamp")
    for (wire_name, path), name in zip(_WIRE_NAMES.items(), given, strict=True):
        if name != wire_name:
            raise InvalidInputError(f"{name!r}: an NDJSON file holds records in wire form, where the field is {wire_name!r}", path=path)
