"""A source of records: batches in order, each with the place from which a later attempt goes on; and what came of an import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from presage.features.records import Record

Position = Mapping[str, object]
"""Where a source goes on, as JSON; empty is its beginning."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row was left out. `line` counts from 1 in `part`, which names a file or a window where a source has several."""

    line: int
    code: str
    path: str
    message: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Some rows of a source, each as its record or why there is none.

    `position` is where reading goes on behind this batch, or None when it cannot go on from here; `fraction` is how much of the
    source is read then, in [0, 1], for progress only. `skipped` rows were not asked for and are in `rows` no more.
    """

    rows: Sequence[Record | RowFault]
    position: Position | None
    fraction: float
    skipped: int = 0


class Source(Protocol):
    """What records are read from."""

    def read(self, position: Position) -> Iterator[SourceBatch]:
        """Yield batches from `position` on, each small enough to hold many of in memory.

        Raises:
            InvalidInputError, NotFoundError, ForbiddenError: It is not as asked; no retry mends it.
            UnavailableError: It did not answer after retries of its own.
        """


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What came of an import: `accepted` + `duplicates` + `invalid` + `skipped` = `rows`.

    `duplicates` were in the dataset or earlier in the source; `version` is None when nothing was accepted, now or by another.
    `end` is the last position that the source gave.
    """

    rows: int
    accepted: int
    duplicates: int
    invalid: int
    version: int | None
    first_errors: tuple[RowFault, ...] = field(default=())
    skipped: int = 0
    end: Position = field(default_factory=dict, compare=False)  # of two imports with the same outcome, sources may differ
