"""Objects as files and back: Spark's wheels have no file system for S3, so a run's objects are brought before it and kept after it."""

from __future__ import annotations

import os
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
            for key, path in self._list_files(prefix).items():
                if key not in listed:
                    path.unlink()
            with ThreadPoolExecutor(TRANSFERS_AT_ONCE) as pool:
                list(pool.map(lambda found, bucket=prefix.bucket: self._fetch(bucket, *found), listed.items()))

    def keep(self, prefixes: Iterable[Prefix], *, settled_seconds: float = 0.0) -> None:
        """Put the files below the prefixes that are new or changed, oldest first, and delete the objects whose files are gone.

        Objects that others put there since they were brought stay. Files that changed in the last `settled_seconds` may be half-written,
        and wait for the next call. Files may be renamed and deleted meanwhile.
        """
        for prefix in prefixes:
            files = self._list_files(prefix)
            stamps = {key: stamp for key, path in files.items() if (stamp := _stamp(path)) is not None}
            for key, stamp in sorted(stamps.items(), key=lambda item: item[1]):
                known = self._fetched.get((prefix.bucket, key))
                if (known is None or known[1] != stamp) and time.time() - stamp[0] / 1e9 >= settled_seconds:
                    self._put(prefix.bucket, key, files[key])
            for key in self._list(prefix):
                if key not in stamps and self._fetched.pop((prefix.bucket, key), None) is not None:
                    self._client.delete_object(Bucket=prefix.bucket, Key=key)

    def _put(self, bucket: str, key: str, path: Path) -> None:
        try:
            stamp, body = _stamp(path), path.read_bytes()
        except FileNotFoundError:  # between the listing and now
            return
        if stamp is not None:
            etag = self._client.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
            self._fetched[bucket, key] = (etag, stamp)

    def _list(self, prefix: Prefix) -> dict[str, str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}

    def _list_files(self, prefix: Prefix) -> dict[str, Path]:
        """Return key to file, without what Spark takes for its own. A folder that vanishes meanwhile has none."""
        folder = self.root / prefix.bucket
        start = folder / prefix.key
        if start.is_file():
            return {prefix.key: start}
        found: dict[str, Path] = {}
        for place, folders, names in os.walk(start):
            folders[:] = [name for name in folders if not _is_hidden(name)]
            paths = (Path(place, name) for name in names if not _is_hidden(name))
            found |= {path.relative_to(folder).as_posix(): path for path in paths}
        return found

    def _fetch(self, bucket: str, key: str, etag: str) -> None:
        path = self.root / bucket / key
        known = self._fetched.get((bucket, key))
        if known is not None and known[0] == etag and path.is_file() and known[1] == _stamp(path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        status = path.stat()
        self._fetched[bucket, key] = (etag, (status.st_mtime_ns, status.st_size))


def _is_hidden(name: str) -> bool:
    """Return whether Spark takes it for its own: what is being written, and checksums."""
    return name.startswith((".", "_"))


def _stamp(path: Path) -> _Stamp | None:
    """Return when the file changed and its size, None if it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size
