"""The results of batch predictions in the lake."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from presage.adapters.client import translate_errors
from presage.batch_predictions.order import build_prefix
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

URL_SECONDS = 3600


class S3BatchResults:
    """`BatchResults` on the lake bucket."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        self._bucket = bucket
        self._client = client

    def find_manifest(self, workspace_id: str, job_id: str) -> bytes | None:
        """Return the manifest's bytes, or None while the job has not ended well.

        Raises:
            UnavailableError: S3 did not answer.
        """
        try:
            return self._read(f"{build_prefix(workspace_id, job_id)}manifest.json")
        except NotFoundError:
            return None

    def create_download_url(self, workspace_id: str, job_id: str, key: str) -> str:
        """Return a URL that gives a file of the results to who has it, for an hour. Nothing is called."""
        place = {"Bucket": self._bucket, "Key": build_prefix(workspace_id, job_id) + key}
        return self._client.generate_presigned_url("get_object", Params=place, ExpiresIn=URL_SECONDS)

    def find_row(self, workspace_id: str, job_id: str, key: str, prediction_id: str) -> Mapping[str, object] | None:
        """Return the prediction of that id from a file of the results, or None if the file has it not.

        Raises:
            NotFoundError: There is no such file.
            UnavailableError: S3 did not answer.
        """
        body = self._read(build_prefix(workspace_id, job_id) + key)
        found = pl.read_parquet(io.BytesIO(body)).filter(pl.col("prediction_id") == prediction_id)
        return found.row(0, named=True) if len(found) else None

    def _read(self, key: str) -> bytes:
        with translate_errors(f"get {key}"):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
