"""Parts, versions and profiles of feature sets in the lake bucket."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import msgspec
import polars as pl

from presage.adapters.client import translate_errors
from presage.adapters.s3.profile_store import S3ProfileStore
from presage.errors import AlreadyExistsError, NotFoundError, UnavailableError
from presage.features.columnar import build_version_frame, count_rows, encode_part, read_ids
from presage.features.dataset import Dataset
from presage.features.keys import build_manifest_key, build_part_key
from presage.features.records import FeatureSetVersion, Part, Record

DOWNLOADS_AT_ONCE = 16


class S3FeatureSetStore(S3ProfileStore):
    """`FeatureSetStore` and `PartIds` on a bucket. Parts and manifests are written once, with `If-None-Match: *`, and never changed."""

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

    def create_version(self, version: FeatureSetVersion) -> None:
        """Write the manifest, or raise `AlreadyExistsError` when that number was taken."""
        key = build_manifest_key(version.dataset.workspace_id, version.dataset.dataset_id, version.version)
        self._create(key, msgspec.json.encode(version), "application/json")

    def read_frame(self, version: FeatureSetVersion) -> pl.DataFrame:
        """Return all rows, one per record_id (the earliest known), after checking every part's sha256."""
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            return build_version_frame(version.dataset, pool.map(self.read_part, version.parts))

    def read_ids(self, part: Part) -> list[tuple[str, int]]:
        """Return the ids of a part and when each was known, after checking its sha256."""
        return read_ids(self.read_part(part))

    def _create(self, key: str, body: bytes, content_type: str) -> None:
        with translate_errors(f"create {key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
