"""Files that users have uploaded into the lake bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import InvalidInputError
from presage.features.sources.ports import FileFormat, SourceFile
from presage.features.sources.tabular import open_source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_FILE_BYTES = 268_435_456
"""256 MiB: a file is read whole, so that it fits a worker."""


class S3ImportFiles:
    """`ImportFiles` on a bucket."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Read from `bucket`."""
        self._bucket = bucket
        self._client = client

    def open_file(self, key: str, file_format: FileFormat) -> SourceFile:
        """Return the opened file, of at most `MAX_FILE_BYTES`."""
        with translate_errors(f"get {key}"):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            size_bytes = answer["ContentLength"]
            if size_bytes > MAX_FILE_BYTES:
                answer["Body"].close()
                raise InvalidInputError(
                    f"{key} has {size_bytes} bytes; at most {MAX_FILE_BYTES} are taken", path="$.key", code="file_too_large"
                )
            body = answer["Body"].read()
        return open_source(body, file_format)
