"""Files that users have uploaded into the lake bucket."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import InvalidInputError
from presage.features.sources.ports import FileFormat, SourceFile
from presage.features.sources.tabular import open_source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_FILE_BYTES = 5 << 30
"""What S3 takes by one presigned PUT."""
_CHUNK_BYTES = 1 << 20


class S3ImportFiles:
    """`ImportFiles` on a bucket."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Read from `bucket`."""
        self._bucket = bucket
        self._client = client

    @contextmanager
    def open_file(self, key: str, file_format: FileFormat) -> Iterator[SourceFile]:
        """Yield the opened file, of at most `MAX_FILE_BYTES`, from a copy on disk without a name."""
        with tempfile.TemporaryFile() as file:
            with translate_errors(f"get {key}"):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                with closing(answer["Body"]) as body:
                    _check_size(key, answer["ContentLength"])
                    for chunk in body.iter_chunks(_CHUNK_BYTES):
                        file.write(chunk)
            with open_source(file, file_format, digest=answer["ETag"]) as source:
                yield source


def _check_size(key: str, size_bytes: int) -> None:
    if size_bytes > MAX_FILE_BYTES:
        raise InvalidInputError(f"{key} has {size_bytes} bytes; at most {MAX_FILE_BYTES} are taken", path="$.key", code="file_too_large")
