"""Uploads to the lake through presigned URLs of S3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

URL_SECONDS = 3600


class S3UploadStore:
    """`UploadStore` on the lake bucket."""

    def __init__(self, client: S3Client, lake_bucket: str) -> None:
        self._client = client
        self._bucket = lake_bucket

    def create_upload_url(self, key: str) -> str:
        """Return a URL that takes one PUT of that object for an hour. Nothing is called."""
        return self._client.generate_presigned_url("put_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=URL_SECONDS)

    def find_upload_size(self, key: str) -> int | None:
        """Return how many bytes were uploaded, or None while there is no such object.

        Raises:
            UnavailableError: S3 did not answer.
        """
        try:
            with translate_errors(f"look at upload {key}"):
                return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except NotFoundError:
            return None
