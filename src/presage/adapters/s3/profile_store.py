"""Versions, the bytes of their parts, and profiles in the lake bucket. Free of polars, whose place the profile function needs for Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from presage.adapters.client import translate_errors
from presage.errors import CorruptArtifactError, NotFoundError
from presage.features.keys import (
    MANIFEST_SUFFIX,
    build_manifest_key,
    build_profile_keys,
    build_versions_prefix,
    parse_manifest_key,
)
from presage.features.records import FeatureSetVersion, Part

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_PAGE_SIZE = 1_000


class S3ProfileStore:
    """`ProfileStore` on a bucket."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use `bucket`, which exists."""
        self._bucket = bucket
        self._client = client

    def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
        """Return that version, or the newest one for None; None when there is none."""
        number = self._find_newest(workspace_id, dataset_id) if version is None else version
        if number is None:
            return None
        key = build_manifest_key(workspace_id, dataset_id, number)
        try:
            body = self._get(key)
        except NotFoundError:
            return None
        try:
            return msgspec.json.decode(body, type=FeatureSetVersion)
        except msgspec.DecodeError as error:
            raise CorruptArtifactError(f"{key} is no manifest: {error}") from error

    def read_part(self, part: Part) -> bytes:
        """Return a part's bytes, after checking their sha256."""
        try:
            body = self._get(part.key)
        except NotFoundError as error:
            raise CorruptArtifactError(f"{part.key} is gone; its manifest says {part.size_bytes} bytes") from error
        digest = sha256(body).hexdigest()
        if digest != part.sha256:
            raise CorruptArtifactError(f"{part.key} has sha256 {digest}; its manifest says {part.sha256}")
        return body

    def put_profile(self, version: FeatureSetVersion, *, sample: bytes, summary: Mapping[str, object]) -> None:
        """Write `sample.ndjson`, then `summary.json`: where there is a summary, there is a sample."""
        sample_key, summary_key = build_profile_keys(version.dataset.workspace_id, version.dataset.dataset_id, version.version)
        with translate_errors(f"put {sample_key}"):
            self._client.put_object(Bucket=self._bucket, Key=sample_key, Body=sample, ContentType="application/x-ndjson")
        with translate_errors(f"put {summary_key}"):
            self._client.put_object(Bucket=self._bucket, Key=summary_key, Body=msgspec.json.encode(summary), ContentType="application/json")

    def find_profile(self, workspace_id: str, dataset_id: str, version: int) -> tuple[bytes, Mapping[str, object]] | None:
        """Return (sample, summary), or None while the profile is not there yet."""
        sample_key, summary_key = build_profile_keys(workspace_id, dataset_id, version)
        try:
            summary = msgspec.json.decode(self._get(summary_key), type=dict[str, object])
            return self._get(sample_key), summary
        except NotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise CorruptArtifactError(f"{summary_key} is no summary: {error}") from error

    def _find_newest(self, workspace_id: str, dataset_id: str) -> int | None:
        """Return the greatest version number. Versions count 1, 2, … without gaps, so a long list is searched, not read."""
        newest = self._last_listed(workspace_id, dataset_id, after=0)
        if newest is None or newest < _PAGE_SIZE:
            return newest
        there, step = newest, _PAGE_SIZE
        while self._last_listed(workspace_id, dataset_id, after=there + step, limit=1) is not None:
            there, step = there + step, step * 2
        while step >= _PAGE_SIZE:
            step //= 2
            if self._last_listed(workspace_id, dataset_id, after=there + step, limit=1) is not None:
                there += step
        return self._last_listed(workspace_id, dataset_id, after=there) or there

    def _last_listed(self, workspace_id: str, dataset_id: str, *, after: int, limit: int = _PAGE_SIZE) -> int | None:
        with translate_errors(f"list versions of {dataset_id}"):
            page = self._client.list_objects_v2(
                Bucket=self._bucket,
                Prefix=build_versions_prefix(workspace_id, dataset_id),
                StartAfter=build_manifest_key(workspace_id, dataset_id, after),
                MaxKeys=limit,
            )
        keys = [entry["Key"] for entry in page.get("Contents", []) if entry["Key"].endswith(MANIFEST_SUFFIX)]
        return parse_manifest_key(keys[-1])[2] if keys else None

    def _get(self, key: str) -> bytes:
        with translate_errors(f"get {key}"):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
