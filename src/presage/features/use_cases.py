"""What can be done with datasets and their records. Free of polars, so that the public API stays light."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from presage.errors import InvalidInputError, NotFoundError
from presage.features.dataset import Column, Dataset
from presage.features.imports import ImportRequest, ImportSummary, RowFault, RowReader, SourceFile, check_columns_of_file
from presage.features.keys import build_imports_prefix
from presage.features.landing import Addition, append_version
from presage.features.limits import MAX_COLUMN_NAME_LENGTH, MAX_COLUMNS, RESERVED_COLUMNS
from presage.features.messages import build_message
from presage.features.ports import DatasetStore, FeatureSetStore, ImportFiles, RecordQueue
from presage.features.recent_ids import RecentIds
from presage.features.records import FeatureSetVersion, Part, Record, RecordBatch, build_batch, split_by_month
from presage.features.validation import RecordResult, judge_call
from presage.features.wire import CallBody
from presage.identifiers import new_identifier
from presage.progress import Progress, ignore_progress

IMPORT_CHUNK_ROWS = 20_000
IMPORT_WINDOW_ROWS = 200_000
"""Rows held in memory and sorted by event before they are cut into parts."""
MAX_REPORTED_ERRORS = 20
_SHARE_OF_READING = 0.95
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_COLUMN_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_COLUMN_NAME_LENGTH - 1}}}")


def create_dataset(
    *, workspace_id: str, name: str, entity: str, columns: Sequence[Column], now: datetime, datasets: DatasetStore
) -> Dataset:
    """Add a dataset to a workspace and return it.

    Raises:
        InvalidInputError: A name is malformed, reserved or used twice, or there are too many columns; `path` says where.
        AlreadyExistsError: The workspace has a dataset of that name.
    """
    _check_name(name, path="$.name")
    _check_name(entity, path="$.entity")
    check_columns(columns)
    dataset = Dataset(workspace_id, new_identifier("ds"), name, entity, tuple(columns), now)
    datasets.create_dataset(dataset)
    return dataset


def check_columns(columns: Sequence[Column]) -> None:
    """Refuse columns that no dataset can have.

    Raises:
        InvalidInputError: As for `create_dataset`.
    """
    if len(columns) > MAX_COLUMNS:
        raise InvalidInputError(f"{len(columns)} columns; at most {MAX_COLUMNS} are possible", path="$.columns")
    uses = Counter(column.name.lower() for column in columns)
    for number, column in enumerate(columns):
        path = f"$.columns[{number}].name"
        if not _COLUMN_NAME.fullmatch(column.name):
            raise InvalidInputError(
                f"column {column.name!r}: expected letters, digits and _, at most {MAX_COLUMN_NAME_LENGTH}, no digit first", path=path
            )
        if column.name.lower() in RESERVED_COLUMNS:
            raise InvalidInputError(f"column {column.name!r}: the name is reserved for records", path=path)
        if uses[column.name.lower()] > 1:
            raise InvalidInputError(f"column {column.name!r} is there twice (case does not count)", path=path)


def accept_records(*, dataset: Dataset, body: CallBody, now: datetime, queue: RecordQueue, recent: RecentIds) -> list[RecordResult]:
    """Put the valid records of a call on the queue and return what became of each, in order.

    When this returns, every accepted record is durable, and so is the earlier record of every duplicate. Nothing is published
    when none is accepted. `recent` gets to know the accepted ids, once they are durable.
    Idempotency: a repeated call is the same batch, and lands once.

    Raises:
        InvalidInputError: The body is no list of records, or of too many.
        UnavailableError: The queue did not take the batch; none of the records is accepted.
    """
    judgement = judge_call(dataset, body, now=now, known_ids=recent.ids_of(dataset, now=now))
    if judgement.accepted:
        queue.publish_batch(build_message(dataset, judgement.accepted, received_at=now))
        recent.remember(dataset, (record.record_id for record in judgement.accepted))
    return judgement.results


def import_file(
    *,
    dataset: Dataset,
    request: ImportRequest,
    files: ImportFiles,
    store: FeatureSetStore,
    now: datetime,
    progress: Progress = ignore_progress,
) -> ImportSummary:
    """Add the records of a file of the lake to a dataset as one version and return what came of its rows.

    Invalid rows are counted, the first ones reported, and do not stop the rest. `progress` is called every
    `IMPORT_CHUNK_ROWS` rows; until the last row is read, nothing of the file can be seen in the dataset.
    Idempotency: the same file again adds no record; when all its parts are in the newest version, it adds none.

    Raises:
        InvalidInputError: The file is not of that format, or its columns do not fit.
        NotFoundError: The workspace has uploaded no such object.
        ConflictError, UnavailableError: As for `land_batches`.
    """
    if not request.key.startswith(build_imports_prefix(dataset.workspace_id)):
        raise NotFoundError(f"there is no uploaded file {request.key!r}")
    source = files.open_file(request.key, request.file_format)
    check_columns_of_file(request, dataset, source.columns)
    reader = RowReader(request, dataset, now=now)
    tally = _Tally()
    parts: dict[str, Part] = {}
    for records in _read_windows(source, reader, tally, progress):
        for batch in _chunk_by_event(dataset, records, now):
            for month, of_month in split_by_month(batch.records).items():
                part = store.put_part(dataset, batch.batch_id, month, of_month)
                parts[part.key] = part
    version = None
    if parts:
        version = append_version(dataset, lambda head: _add_parts(parts, head), store=store, now=now).version.version
    progress(1.0, f"{tally.rows} rows read, {tally.accepted} accepted")
    return ImportSummary(
        tally.rows, tally.accepted, tally.duplicates, tally.rows - tally.accepted - tally.duplicates, version, tuple(tally.first_errors)
    )


@dataclass(slots=True)
class _Tally:
    """Counts of an import under way."""

    rows: int = 0
    duplicates: int = 0
    first_errors: list[RowFault] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def accepted(self) -> int:
        return len(self.seen)

    def admit(self, outcome: Record | RowFault) -> Record | None:
        """Count a row's outcome and return its record if it is new to this file."""
        self.rows += 1
        if isinstance(outcome, RowFault):
            if len(self.first_errors) < MAX_REPORTED_ERRORS:
                self.first_errors.append(outcome)
            return None
        if outcome.record_id in self.seen:
            self.duplicates += 1
            return None
        self.seen.add(outcome.record_id)
        return outcome


def _read_windows(source: SourceFile, reader: RowReader, tally: _Tally, progress: Progress) -> Iterator[list[Record]]:
    window: list[Record] = []
    for row in source.rows:
        record = tally.admit(reader.read_row(row))
        if record is not None:
            window.append(record)
        if tally.rows % IMPORT_CHUNK_ROWS == 0:
            progress(min(tally.rows / source.rows_estimate, 1.0) * _SHARE_OF_READING, f"{tally.rows} rows read")
        if len(window) == IMPORT_WINDOW_ROWS:
            yield window
            window = []
    if window:
        yield window


def _chunk_by_event(dataset: Dataset, records: list[Record], now: datetime) -> Iterator[RecordBatch]:
    """Yield batches in the order of events, so that a part of a month holds many rows instead of a few of each file."""
    records.sort(key=lambda record: (record.event_timestamp, record.record_id))
    for start in range(0, len(records), IMPORT_CHUNK_ROWS):
        yield build_batch(dataset, records[start : start + IMPORT_CHUNK_ROWS], received_at=now)


def _add_parts(parts: Mapping[str, Part], head: FeatureSetVersion | None) -> Addition:
    if head is None:
        return Addition(tuple(parts.values()), ())
    keys_there = {part.key for part in head.parts}
    return Addition(tuple(part for key, part in parts.items() if key not in keys_there), head.id_segments)


def _check_name(name: str, *, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name!r}: expected lower-case letters, digits, _ and -, 1 to 63, a letter first", path=path)
