"""Objects as files and back: Spark's wheels have no file system for S3, so a run's objects are brought before it and kept after it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

TRANSFERS_AT_ONCE = 8
_URI = re.compile(r"s3://([^/\s,]+)/([^\s,]*)")
_Stamp = tuple[int, int]


@dataclass(frozen=True)
class Prefix:
    """All objects of a bucket whose keys start with `key`."""

    bucket: str
    key: str


def find_prefixes(arguments: Iterable[str]) -> list[Prefix]:
    """Return every `s3://` URI in the arguments, each once."""
    return list(dict.fromkeys(Prefix(*match) for argument in arguments for match in _URI.findall(argument)))


class Staging:
    """A folder per bucket. Only objects that changed are fetched, and only files that changed are put."""

    def __init__(self, root: Path, client: S3Client) -> None:
        """Keep files below `root`, which starts empty."""
        self.root = root
        self._client = client
        self._fetched: dict[tuple[str, str], tuple[str, _Stamp]] = {}

    def locate(self, uri: str) -> Path:
        """Return the file of an `s3://` URI."""
        match = _URI.fullmatch(uri)
        if match is None:
            raise ValueError(f"{uri!r} is not an s3:// URI")
        return self.root / match[1] / match[2]

    def bring(self, prefixes: Iterable[Prefix]) -> None:
        """Make the files below the prefixes those of the bucket."""
        for prefix in prefixes:
            (self.root / prefix.bucket).mkdir(parents=True, exist_ok=True)
            listed = self._list(prefix)
            for path in self._list_files(prefix):
                if path.relative_to(self.root / prefix.bucket).as_posix() not in listed:
                    path.unlink()
            with ThreadPoolExecutor(TRANSFERS_AT_ONCE) as pool:
                list(pool.map(lambda found, bucket=prefix.bucket: self._fetch(bucket, *found), listed.items()))

    def keep(self, prefixes: Iterable[Prefix], *, settled_seconds: float = 0.0) -> None:
        """Put the files below the prefixes that are new or changed, oldest first, and delete the objects whose files are gone.

        Objects that others put there since they were brought stay. Files that changed in the last `settled_seconds` may be half-written,
        and wait for the next call.
        """
        for prefix in prefixes:
            files = {path.relative_to(self.root / prefix.bucket).as_posix(): path for path in self._list_files(prefix)}
            for key, path in sorted(files.items(), key=lambda item: item[1].stat().st_mtime_ns):
                known = self._fetched.get((prefix.bucket, key))
                if (known is None or known[1] != _stamp(path)) and time.time() - path.stat().st_mtime >= settled_seconds:
                    etag = self._client.put_object(Bucket=prefix.bucket, Key=key, Body=path.read_bytes())["ETag"]
                    self._fetched[prefix.bucket, key] = (etag, _stamp(path))
            for key in self._list(prefix):
                if key not in files and self._fetched.pop((prefix.bucket, key), None) is not None:
                    self._client.delete_object(Bucket=prefix.bucket, Key=key)

    def _list(self, prefix: Prefix) -> dict[str, str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}

    def _list_files(self, prefix: Prefix) -> list[Path]:
        folder = self.root / prefix.bucket
        start = folder / prefix.key
        if start.is_file():
            return [start]
        names = start.rglob("*") if start.is_dir() else ()
        return [path for path in names if not _is_hidden(path.relative_to(folder)) and path.is_file()]

    def _fetch(self, bucket: str, key: str, etag: str) -> None:
        path = self.root / bucket / key
        known = self._fetched.get((bucket, key))
        if known is not None and known[0] == etag and path.is_file() and known[1] == _stamp(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        self._fetched[bucket, key] = (etag, _stamp(path))


def _is_hidden(path: Path) -> bool:
    """Return whether Spark takes it for its own: what is being written, and checksums."""
    return any(part.startswith((".", "_")) for part in path.parts)


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
