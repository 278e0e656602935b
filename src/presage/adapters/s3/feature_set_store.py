"""Parts, versions and profiles of feature sets in the lake bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from presage.adapters.client import translate_errors
from presage.errors import AlreadyExistsError, CorruptArtifactError, NotFoundError, UnavailableError
from presage.features.columnar import build_version_frame, count_rows, encode_part, read_ids
from presage.features.dataset import Dataset
from presage.features.keys import (
    MANIFEST_SUFFIX,
    build_manifest_key,
    build_part_key,
    build_profile_keys,
    build_versions_prefix,
    parse_manifest_key,
)
from presage.features.records import FeatureSetVersion, Part, Record

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

DOWNLOADS_AT_ONCE = 16
_PAGE_SIZE = 1_000


class S3FeatureSetStore:
    """`FeatureSetStore` and `PartIds` on a bucket. Parts and manifests are written once, with `If-None-Match: *`, and never changed."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Use `bucket`, which exists."""
        self._bucket = bucket
        self._client = client

    def put_part(self, dataset: Dataset, batch_id: str, month: str, records: Sequence[Record]) -> Part:
        """Write one parquet part, or return the one that an earlier delivery of the batch wrote."""
        key = build_part_key(dataset, batch_id, month)
        body = encode_part(dataset, records)
        rows = len(records)
        try:
            self._create(key, body, "application/vnd.apache.parquet")
        except AlreadyExistsError:
            try:
                body = self._get(key)
            except NotFoundError as error:
                raise UnavailableError(f"{key} is being written by another; try again") from error
            rows = count_rows(body)
        return Part(key, sha256(body).hexdigest(), rows, len(body))

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

    def create_version(self, version: FeatureSetVersion) -> None:
        """Write the manifest, or raise `AlreadyExistsError` when that number was taken."""
        key = build_manifest_key(version.dataset.workspace_id, version.dataset.dataset_id, version.version)
        self._create(key, msgspec.json.encode(version), "application/json")

    def read_frame(self, version: FeatureSetVersion) -> pl.DataFrame:
        """Return all rows, one per record_id (the earliest known), after checking every part's sha256."""
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            return build_version_frame(version.dataset, pool.map(self._get_part, version.parts))

    def read_ids(self, part: Part) -> list[tuple[str, int]]:
        """Return the ids of a part and when each was known, after checking its sha256."""
        return read_ids(self._get_part(part))

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

    def _get_part(self, part: Part) -> bytes:
        try:
            body = self._get(part.key)
        except NotFoundError as error:
            raise CorruptArtifactError(f"{part.key} is gone; its manifest says {part.size_bytes} bytes") from error
        digest = sha256(body).hexdigest()
        if digest != part.sha256:
            raise CorruptArtifactError(f"{part.key} has sha256 {digest}; its manifest says {part.sha256}")
        return body

    def _get(self, key: str) -> bytes:
        with translate_errors(f"get {key}"):
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _create(self, key: str, body: bytes, content_type: str) -> None:
        with translate_errors(f"create {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
