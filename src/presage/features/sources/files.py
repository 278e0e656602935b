"""A file of the lake as a source: what is asked for, how its rows become records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import msgspec

from presage.errors import InvalidInputError, NotFoundError
from presage.features.dataset import ColumnType, Dataset
from presage.features.diagnosis import Fault
from presage.features.keys import build_imports_prefix, is_quarantined_file
from presage.features.records import Record
from presage.features.schema.cells import LARGEST_EXACT, read_declared, read_text
from presage.features.schema.model import ColumnOverride, Overrides
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
_UNDECLARED = ColumnOverride()


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which object of the lake, and which of its columns are the record's own.

    The file's other columns are the dataset's, by name or by what `columns` declares; an optional column `record_id` names the
    records. NDJSON holds records in wire form, so its columns are the wire form's.
    """

    key: str
    file_format: FileFormat
    entity_column: str = "entity_id"
    event_timestamp_column: str = "event_timestamp"
    known_timestamp_column: str | None = None
    columns: Overrides = field(default_factory=dict)

    def leave_out(self, names: frozenset[str]) -> ImportRequest:
        """Return the request without these columns."""
        return replace(self, columns={**self.columns, **dict.fromkeys(names, ColumnOverride(ignore=True))})

    def name_own(self, columns: tuple[str, ...], dataset: Dataset) -> frozenset[str]:
        """Return which of a file's columns are the record's own fields."""
        own = {self.entity_column, self.event_timestamp_column, self.known_timestamp_column}
        own |= {_RECORD_ID} - {column.name for column in dataset.columns}
        return frozenset(columns) & frozenset(name for name in own if name)


class FileSource:
    """`Source` on a file. A position is a number of rows, in a file of the same content."""

    def __init__(self, files: ImportFiles, request: ImportRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, which has all columns of the file that are not to be ignored, accepted at `now` (aware UTC)."""
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
        check_key(self._request.key, self._dataset.workspace_id)
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


def check_key(key: str, workspace_id: str) -> None:
    """Refuse a key that is no file's that the workspace uploaded.

    Raises:
        NotFoundError: It is none, or another workspace's.
    """
    if not key.startswith(build_imports_prefix(workspace_id)) and not is_quarantined_file(key, workspace_id):
        raise NotFoundError(f"there is no uploaded file {key!r}")


def check_columns_of_file(request: ImportRequest, dataset: Dataset, columns: tuple[str, ...] | None) -> None:
    """Refuse a file whose columns do not fit the request and the dataset, before anything is read.

    Raises:
        InvalidInputError: A named column is not there, or the file has one that the dataset has not; `path` says which.
    """
    check_named_columns(request, columns)
    if columns is None:
        return
    allowed = {column.name for column in dataset.columns}
    own = request.name_own(columns, dataset)
    others = [(name, request.columns.get(name, _UNDECLARED)) for name in columns if name not in own]
    unknown = [name for name, declared in others if not declared.ignore and (declared.into or name) not in allowed]
    if unknown:
        raise InvalidInputError(
            f"dataset {dataset.name!r} has no column {', '.join(map(repr, unknown))}; leave them out of the file",
            path="$.key",
            code="unknown_column",
        )


def check_named_columns(request: ImportRequest, columns: tuple[str, ...] | None) -> None:
    """Refuse a file that lacks a column which the request names for the record's own.

    Raises:
        InvalidInputError: `path` says which.
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


class RowReader:
    """Makes records of a file's rows, by the same rules as the API."""

    def __init__(self, request: ImportRequest, dataset: Dataset, *, now: datetime) -> None:
        """Read for `dataset`, accepted at `now` (aware UTC)."""
        self._request = request
        self._dataset = dataset
        self._types: Mapping[str, ColumnType] = {column.name: column.type for column in dataset.columns}
        self._reader = reader_of(dataset.columns)
        self._is_text = request.file_format in {"csv", "tsv"}
        self._now = now

    def read_row(self, row: FileRow) -> Record | RowFault:
        """Return the row's record, or why there is none."""
        if row.content is None:
            return RowFault(row.line, "malformed_row", "$", row.fault, row.part)
        if isinstance(row.content, bytes):
            outcome = self._read_wire(row.content)
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
            "values": self._to_values(cells),
        }
        return {field: value for field, value in wire.items() if value is not None}

    def _to_values(self, cells: Mapping[str, object]) -> dict[str, object]:
        if not self._request.columns:
            return {name: self._to_value(cells[name], kind, _UNDECLARED) for name, kind in self._types.items() if name in cells}
        own = self._request.name_own(tuple(cells), self._dataset)
        declared = ((name, self._request.columns.get(name, _UNDECLARED)) for name in cells if name not in own)
        targets = {override.into or name: (name, override) for name, override in declared if not override.ignore}
        return {target: self._to_value(cells[name], self._types.get(target), how) for target, (name, how) in targets.items()}

    def _to_value(self, cell: object, kind: ColumnType | None, declared: ColumnOverride) -> object:
        """Return the cell as the column's type where its text or a declaration says so; otherwise as it is, for validation to refuse."""
        if cell is None or kind is None:
            return cell
        if declared.type:
            return read_declared(cell, kind)
        if self._is_text and isinstance(cell, str):
            return read_text(cell, kind)
        return str(cell) if isinstance(cell, int) and abs(cell) > LARGEST_EXACT else cell

    def _read_wire(self, line: bytes) -> Record | Fault:
        """Return the record of a line of NDJSON, whose values are put right first if anything is declared of them."""
        if self._request.columns:
            try:
                content = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return self._reader.read_json(line, now=self._now)
            if isinstance(content, dict) and isinstance(content.get("values"), dict):
                return self._reader.read_mapping(content | {"values": self._to_values(content["values"])}, now=self._now)
        return self._reader.read_json(line, now=self._now)


def _to_text(cell: object) -> object:
    """Return an identifier as text: integers of typed files count as such, other types do not."""
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _check_wire_names(request: ImportRequest) -> None:
    given = (request.entity_column, request.event_timestamp_column, request.known_timestamp_column or "known_timestamp")
    for (wire_name, path), name in zip(_WIRE_NAMES.items(), given, strict=True):
        if name != wire_name:
            raise InvalidInputError(f"{name!r}: an NDJSON file holds records in wire form, where the field is {wire_name!r}", path=path)
