"""Reports on versions in the lake, below the version that they are about, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_SUFFIX = ".json"


class S3VersionReportStore:
    """`VersionReportStore` on the lake bucket; `If-None-Match: *` keeps what is there."""

    def __init__(self, bucket: str, client: S3Client, *, folder: str) -> None:
        """Keep those of one kind below `folder` of each workspace."""
        self._bucket = bucket
        self._client = client
        self._folder = folder

    def create_report(self, workspace_id: str, place: tuple[str, int], report_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = self._build_prefix(workspace_id, place) + report_id + _SUFFIX
        with translate_errors(f"put report {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")

    def find_report(self, workspace_id: str, place: tuple[str, int], report_id: str) -> bytes | None:
        """Return its bytes, or None if there is none.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = self._build_prefix(workspace_id, place) + report_id + _SUFFIX
        try:
            with translate_errors(f"get report {key}"):
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None

    def list_reports(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of the ids of a version's reports, in their order, starting behind `after`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        prefix = self._build_prefix(workspace_id, place)
        start = prefix + after + _SUFFIX if after else prefix
        with translate_errors(f"list reports {prefix}"):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=start, MaxKeys=limit)
        return [entry["Key"].removeprefix(prefix).removesuffix(_SUFFIX) for entry in page.get("Contents", [])]

    def _build_prefix(self, workspace_id: str, place: tuple[str, int]) -> str:
        return f"ws={workspace_id}/{self._folder}/{place[0]}/{place[1]:08d}/"
