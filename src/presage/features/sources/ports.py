"""What importing needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from presage.features.ports import FeatureSetStore
from presage.features.records import Part

IdAndKnown = tuple[str, int]
"""The id of a record and its known timestamp in microseconds since 1970 (UTC)."""


FileFormat = Literal["csv", "tsv", "parquet", "ndjson"]


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: its line in `part` of the file, and a JSON text (NDJSON) or its cells by column, or why it has neither."""

    line: int
    content: bytes | Mapping[str, object] | None
    fault: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An opened file. `columns` is None for NDJSON; `get_fraction` says how much of it was read; `digest` tells its content from others."""

    columns: tuple[str, ...] | None
    get_fraction: Callable[[], float]
    rows: Iterator[FileRow]
    digest: str


class ImportFiles(Protocol):
    """Files that users have put into the lake (S3)."""

    def open_file(self, key: str, file_format: FileFormat) -> AbstractContextManager[SourceFile]:
        """Return the opened file, which is on disk as a whole by then.

        Raises `NotFoundError`, or `InvalidInputError` when it is too large or not of that format.
        """


class PartIds(Protocol):
    """The ids in parts of the lake (S3)."""

    def read_ids(self, part: Part) -> Sequence[IdAndKnown]:
        """Return those of a part, after checking its sha256."""


class SeenIds(Protocol):
    """Ids that one import has met, on disk: their number is not bounded by memory."""

    def admit(self, ids: Sequence[IdAndKnown]) -> list[bool]:
        """Note the ids, in order, and return which are new: of an id that was noted, only one that was known earlier is."""


@dataclass(frozen=True, slots=True)
class ImportPorts:
    """What importing works on; `open_seen_ids` gives an empty set, which is gone when it is closed."""

    store: FeatureSetStore
    part_ids: PartIds
    open_seen_ids: Callable[[], AbstractContextManager[SeenIds]]
