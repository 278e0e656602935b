"""What the service handed over, read from the sink's files: the ids of logged predictions and of assignments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from benchmarks.ours import TABLE
from benchmarks.workspace import LAKE
from presage.experiments import messages as assignments
from presage.predictions import messages as predictions


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
    assigned = {UUID(row.prediction_id).bytes for body in _list_bodies(sink, "assignments") for row in assignments.decode_message(body)}
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
    for body in _list_bodies(sink, "predictions"):
        found = predictions.decode_message(body)
        if isinstance(found, str):
            found = predictions.decode_staged((sink / "objects" / LAKE / found).read_bytes(), key=found)
        yield from (row.prediction_id for row in found)
    table = sink / "tables" / TABLE
    if table.exists():
        with table.open() as lines:
            yield from (json.loads(line)["prediction_id"]["S"] for line in lines)


def _list_bodies(sink: Path, queue: str) -> Iterator[str]:
    path = sink / "queues" / queue
    if not path.exists():
        return
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)
