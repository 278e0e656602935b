"""Certificates in the lake, each written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class S3CertificateStore:
    """`CertificateStore` on the lake bucket; `If-None-Match: *` keeps what is there."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        self._bucket = bucket
        self._client = client

    def create_certificate(self, workspace_id: str, experiment_id: str, body: bytes) -> None:
        """Write it, or raise `AlreadyExistsError` when the experiment has one.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = _build_key(workspace_id, experiment_id)
        with translate_errors(f"put certificate {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")

    def find_certificate(self, workspace_id: str, experiment_id: str) -> bytes | None:
        """Return its bytes, or None while there is none.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = _build_key(workspace_id, experiment_id)
        try:
            with translate_errors(f"get certificate {key}"):
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None


def _build_key(workspace_id: str, experiment_id: str) -> str:
    return f"ws={workspace_id}/experiments/{experiment_id}/certificate.json"
