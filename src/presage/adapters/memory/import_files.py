"""Uploaded files in memory."""

from __future__ import annotations

from collections.abc import Mapping

from presage.errors import NotFoundError
from presage.features.sources.ports import FileFormat, SourceFile
from presage.features.sources.tabular import open_source


class MemoryImportFiles:
    """`ImportFiles` on a mapping of key to bytes."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        """Serve `objects`."""
        self._objects = objects

    def open_file(self, key: str, file_format: FileFormat) -> SourceFile:
        """Return the opened file."""
        if key not in self._objects:
            raise NotFoundError(f"there is no object {key!r}")
        return open_source(self._objects[key], file_format)
