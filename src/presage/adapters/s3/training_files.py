"""What Spark, the trainer and the registry exchange, in the lake and the artifacts bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class S3TrainingFiles:
    """`TrainingFiles` on two buckets."""

    def __init__(self, lake_bucket: str, artifacts_bucket: str, client: S3Client) -> None:
        """Use the two buckets, which exist."""
        self._lake = lake_bucket
        self._artifacts = artifacts_bucket
        self._client = client

    def read_lake(self, key: str) -> bytes | None:
        """Return an object of the lake, or None."""
        return self._read(self._lake, key)

    def list_lake(self, prefix: str) -> Sequence[str]:
        """Return the keys below a prefix of the lake, sorted."""
        with translate_errors(f"list {prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._lake, Prefix=prefix)
            return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def put_lake(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""
        self._put(self._lake, key, body)

    def read_artifact(self, key: str) -> bytes | None:
        """Return an object of the artifacts bucket, or None."""
        return self._read(self._artifacts, key)

    def put_artifact(self, key: str, body: bytes) -> None:
        """Write an object of the artifacts bucket."""
        self._put(self._artifacts, key, body)

    def _read(self, bucket: str, key: str) -> bytes | None:
        try:
            with translate_errors(f"get {key}"):
                return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        with translate_errors(f"put {key}"):
            self._client.put_object(Bucket=bucket, Key=key, Body=body)
