"""Uploaded files in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from presage.errors import NotFoundError
from presage.features.sources.ports import FileFormat, SourceFile
from presage.features.sources.tabular import open_source


class MemoryImportFiles:
    """`ImportFiles` on a mapping of key to bytes."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        """Serve `objects`."""
        self._objects = objects

    @contextmanager
    def open_file(self, key: str, file_format: FileFormat) -> Iterator[SourceFile]:
        """Yield the opened file."""
        if key not in self._objects:
            raise NotFoundError(f"there is no object {key!r}")
        body = self._objects[key]
        with open_source(io.BytesIO(body), file_format, digest=sha256(body).hexdigest()) as source:
            yield source
