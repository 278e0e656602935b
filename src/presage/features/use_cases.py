"""What can be done with datasets and their records. Free of polars, so that the public API stays light."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from presage.errors import InvalidInputError
from presage.features.dataset import Column, Dataset
from presage.features.limits import MAX_COLUMN_NAME_LENGTH, MAX_COLUMNS, RESERVED_COLUMNS
from presage.features.messages import build_message
from presage.features.ports import DatasetStore, RecordQueue
from presage.features.recent_ids import RecentIds
from presage.features.validation import RecordResult, judge_call
from presage.features.wire import CallBody
from presage.identifiers import new_identifier
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_COLUMN_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_COLUMN_NAME_LENGTH - 1}}}")


def create_dataset(*, by: User, name: str, entity: str, columns: Sequence[Column], now: datetime, datasets: DatasetStore) -> Dataset:
    """Add a dataset to the workspace of `by` and return it.

    Raises:
        ForbiddenError: `by` lacks `data.write`.
        InvalidInputError: A name is malformed, reserved or used twice, or there are too many columns; `path` says where.
        AlreadyExistsError: The workspace has a dataset of that name.
    """
    workspace_id = authorise(by, "data.write")
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


def _check_name(name: str, *, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name!r}: expected lower-case letters, digits, _ and -, 1 to 63, a letter first", path=path)
