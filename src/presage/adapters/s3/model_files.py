"""Artifacts and snapshots from S3, kept on the local disk by their sha256."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import file_digest
from hashlib import sha256 as hash_sha256
from pathlib import Path
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import ChecksumError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CHUNK_BYTES = 1 << 20
MAX_FOLDER_BYTES = 8 << 30
"""8 GiB of a task's 20: every build brings a snapshot, and a task may live for months."""


class S3ModelFiles:
    """`ModelFiles` on the artifacts bucket and the lake. Processes share `folder`: a file appears there whole or not at all.

    The files that were asked for longest ago go when there are more than `max_folder_bytes`; who has one open keeps it.
    """

    def __init__(
        self, *, client: S3Client, artifacts_bucket: str, lake_bucket: str, folder: Path, max_folder_bytes: int = MAX_FOLDER_BYTES
    ) -> None:
        """Keep files in `folder`, which is made if it is not there."""
        self._max_folder_bytes = max_folder_bytes
        self._client = client
        self._artifacts_bucket = artifacts_bucket
        self._lake_bucket = lake_bucket
        self._folder = folder

    def read_artifact_manifest(self, key: str) -> bytes:
        """Return a JSON manifest of the artifacts bucket, or raise `NotFoundError`."""
        return self._read(self._artifacts_bucket, key)

    def read_lake_manifest(self, key: str) -> bytes:
        """Return a JSON manifest of the lake, or raise `NotFoundError`."""
        return self._read(self._lake_bucket, key)

    def fetch_artifact(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `CorruptArtifactError`."""
        return self._fetch(self._artifacts_bucket, key, sha256)

    def fetch_lake(self, key: str, *, sha256: str) -> str:
        """Return a local path with those bytes, or raise `CorruptArtifactError`."""
        return self._fetch(self._lake_bucket, key, sha256)

    def _read(self, bucket: str, key: str) -> bytes:
        with translate_errors(f"get {key}"):
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def _fetch(self, bucket: str, key: str, sha256: str) -> str:
        """Use the copy on disk if its bytes are still right (disks fail too), else download it.

        Raises:
            UnavailableError: S3 does not answer, or the disk is full or fails: another version, or no file, may do instead.
        """
        path = self._folder / sha256
        try:
            if not path.is_file() or _hash_file(path) != sha256:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._download(bucket, key, sha256, path)
                self._drop_oldest(keep=path)
            path.touch()
        except OSError as error:
            raise UnavailableError(f"{key} cannot be kept in {self._folder}: {error}") from error
        return str(path)

    def _download(self, bucket: str, key: str, sha256: str, path: Path) -> None:
        digest = hash_sha256()
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="download-")
        try:
            with os.fdopen(handle, "wb") as file, translate_errors(f"get {key}"):
                for chunk in self._client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != sha256:
                raise ChecksumError(key, expected=sha256, found=digest.hexdigest())
            Path(name).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()

    def _drop_oldest(self, *, keep: Path) -> None:
        found = sorted((stat.st_mtime_ns, stat.st_size, file) for file in self._folder.iterdir() if (stat := _find_stat(file)))
        excess = sum(size for _, size, _ in found) - self._max_folder_bytes
        for _, size, file in found:
            if excess <= 0:
                return
            if file != keep:
                file.unlink(missing_ok=True)
                excess -= size


def _find_stat(file: Path) -> os.stat_result | None:
    """Return the file's size and times, or None when another process has dropped it."""
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
