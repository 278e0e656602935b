"""What the service handed over, read from the sink's files: the ids of logged predictions and of assignments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec

from benchmarks.ours import TABLE
from benchmarks.workspace import LAKE


class _Row(msgspec.Struct):
    prediction_id: str
    experiment_id: str | None = None


class _Message(msgspec.Struct):
    """A message of either queue: rows, or the key of the object that holds them."""

    entries: list[_Row] = []
    assignments: list[_Row] = []
    payload_key: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)


@dataclass(frozen=True)
class Completeness:
    """Acknowledged predictions held against what was handed over. Nothing is lost if both counts of missing ones are 0."""

    acknowledged: int
    logged: int
    assigned: int
    log_missing: int
    assignments_missing: int
    logged_twice: int
    """Rows of the log beyond one a prediction: a retry's, which its key makes one again."""
    unacknowledged: int
    """Logged, but its id was not kept: of the calls that checked the answers, or under way when a load ended."""


def count(sink: Path, acknowledged: Sequence[Path]) -> Completeness:
    """Return how complete log and assignments are, given the files of acknowledged ids, all of predictions in an experiment."""
    answered: set[bytes] = set()
    for path in acknowledged:
        with path.open() as lines:
            answered.update(UUID(line.strip()).bytes for line in lines)
    logged: set[bytes] = set()
    rows = 0
    for row in _list_logged(sink):
        logged.add(UUID(row).bytes)
        rows += 1
    assigned = {UUID(row.prediction_id).bytes for message in _list_messages(sink, "assignments") for row in message.assignments}
    return Completeness(
        acknowledged=len(answered),
        logged=len(logged),
        assigned=len(assigned),
        log_missing=len(answered - logged),
        assignments_missing=len(answered - assigned),
        logged_twice=rows - len(logged),
        unacknowledged=len(logged - answered),
    )


def _list_logged(sink: Path) -> Iterator[str]:
    for message in _list_messages(sink, "predictions"):
        yield from (row.prediction_id for row in message.entries)
    table = sink / "tables" / TABLE
    if table.exists():
        with table.open() as lines:
            yield from (json.loads(line)["prediction_id"]["S"] for line in lines)


def _list_messages(sink: Path, queue: str) -> Iterator[_Message]:
    path = sink / "queues" / queue
    if not path.exists():
        return
    with path.open() as lines:
        for line in lines:
            message = _MESSAGE.decode(json.loads(line))
            if message.payload_key is not None:
                message = _MESSAGE.decode((sink / "objects" / LAKE / message.payload_key).read_bytes())
            yield message
