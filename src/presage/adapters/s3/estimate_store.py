"""Off-policy estimates in the lake, below the version that they judge, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import NotFoundError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_SUFFIX = ".json"


class S3EstimateStore:
    """`EstimateStore` on the lake bucket; `If-None-Match: *` keeps what is there."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        self._bucket = bucket
        self._client = client

    def create_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = _build_prefix(workspace_id, place) + estimate_id + _SUFFIX
        with translate_errors(f"put estimate {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")

    def find_estimate(self, workspace_id: str, place: tuple[str, int], estimate_id: str) -> bytes | None:
        """Return its bytes, or None if there is none.

        Raises:
            UnavailableError: S3 did not answer.
        """
        key = _build_prefix(workspace_id, place) + estimate_id + _SUFFIX
        try:
            with translate_errors(f"get estimate {key}"):
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None

    def list_estimates(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of a version's estimate ids, in their order, starting behind `after`.

        Raises:
            UnavailableError: S3 did not answer.
        """
        prefix = _build_prefix(workspace_id, place)
        start = prefix + after + _SUFFIX if after else prefix
        with translate_errors(f"list estimates {prefix}"):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=start, MaxKeys=limit)
        return [entry["Key"].removeprefix(prefix).removesuffix(_SUFFIX) for entry in page.get("Contents", [])]


def _build_prefix(workspace_id: str, place: tuple[str, int]) -> str:
    return f"ws={workspace_id}/off_policy/{place[0]}/{place[1]:08d}/"
