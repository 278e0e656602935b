"""Artifacts and snapshots in memory, handed out as files of a folder."""

from __future__ import annotations

from hashlib import sha256 as hash_sha256
from pathlib import Path
from threading import get_ident

from presage.errors import ChecksumError, NotFoundError, UnavailableError


class MemoryModelFiles:
    """`ModelFiles` of two dictionaries. While `down`, every call raises `UnavailableError`."""

    def __init__(self, folder: Path) -> None:
        """Write files that are fetched below `folder`."""
        self.artifacts: dict[str, bytes] = {}
        self.lake: dict[str, bytes] = {}
        self.down = False
        self._folder = folder

    def read_artifact_manifest(self, key: str) -> bytes:
        """Return a JSON manifest of the artifacts bucket, or raise `NotFoundError`."""
        return self._read(self.artifacts, key)

    def read_lake_manifest(self, key: str) -> bytes:
        """Return a JSON manifest of the lake, or raise `NotFoundError`."""
        return self._read(self.lake, key)

    def fetch_artifact(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `CorruptArtifactError`."""
        return self._fetch(self.artifacts, key, sha256)

    def fetch_lake(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `CorruptArtifactError`."""
        return self._fetch(self.lake, key, sha256)

    def _read(self, objects: dict[str, bytes], key: str) -> bytes:
        if self.down:
            raise UnavailableError("S3 is down")
        if key not in objects:
            raise NotFoundError(f"There is no object {key!r}")
        return objects[key]

    def _fetch(self, objects: dict[str, bytes], key: str, sha256: str) -> str:
        body = self._read(objects, key)
        found = hash_sha256(body).hexdigest()
        if found != sha256:
            raise ChecksumError(key, expected=sha256, found=found)
        path = self._folder / sha256
        if not path.is_file() or path.read_bytes() != body:
            written = self._folder / f"{sha256}-{get_ident()}"
            written.write_bytes(body)
            written.replace(path)
        return str(path)
