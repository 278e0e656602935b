"""Reports of model versions in the lake, as the trainer wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError
from presage.training.reports import build_report_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class S3TrainingReportStore:
    """`TrainingReportStore` on the lake bucket."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use a bucket, which exists."""
        self._bucket = bucket
        self._client = client

    def find_report_file(self, workspace_id: str, place: tuple[str, int], name: str) -> bytes | None:
        """Return one of the files of (model, version) by its name, or None.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = build_report_key(workspace_id, *place, name)
        try:
            with translate_errors(f"get {key}"):
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None
