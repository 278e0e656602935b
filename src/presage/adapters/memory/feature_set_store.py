"""Feature sets in memory, as the same bytes that the lake would hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
import polars as pl

from presage.errors import AlreadyExistsError, CorruptArtifactError
from presage.features.columnar import build_version_frame, count_rows, encode_part, read_ids
from presage.features.dataset import Dataset
from presage.features.keys import build_part_key
from presage.features.records import FeatureSetVersion, Part, Record

_Key = tuple[str, str, int]


class MemoryFeatureSetStore:
    """`FeatureSetStore`, `ProfileStore` and `PartIds` on dictionaries. `objects` has the parts by key, for tests to look at or damage."""

    def __init__(self) -> None:
        """Start empty."""
        self.objects: dict[str, bytes] = {}
        self._versions: dict[_Key, FeatureSetVersion] = {}
        self._profiles: dict[_Key, tuple[bytes, bytes]] = {}

    def put_part(self, dataset: Dataset, batch_id: str, month: str, records: Sequence[Record]) -> Part:
        """Write one parquet part, or return the one that an earlier delivery of the batch wrote."""
        key = build_part_key(dataset, batch_id, month)
        body = self.objects.setdefault(key, encode_part(dataset, records))
        return Part(key, sha256(body).hexdigest(), count_rows(body), len(body))

    def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
        """Return that version, or the newest one for None; None when there is none."""
        if version is not None:
            return self._versions.get((workspace_id, dataset_id, version))
        numbers = [key[2] for key in self._versions if key[:2] == (workspace_id, dataset_id)]
        return self._versions[workspace_id, dataset_id, max(numbers)] if numbers else None

    def create_version(self, version: FeatureSetVersion) -> None:
        """Keep the version, or raise `AlreadyExistsError` when that number was taken."""
        key = _key_of(version)
        if key in self._versions:
            raise AlreadyExistsError(f"version {version.version} of {version.dataset.dataset_id} exists")
        self._versions[key] = version

    def read_frame(self, version: FeatureSetVersion) -> pl.DataFrame:
        """Return all rows, one per record_id (the earliest known), after checking every part's sha256."""
        return build_version_frame(version.dataset, [self.read_part(part) for part in version.parts])

    def read_ids(self, part: Part) -> list[tuple[str, int]]:
        """Return the ids of a part and when each was known, after checking its sha256."""
        return read_ids(self.read_part(part))

    def put_profile(self, version: FeatureSetVersion, *, sample: bytes, summary: Mapping[str, object]) -> None:
        """Keep the profile of that version."""
        self._profiles[_key_of(version)] = (sample, msgspec.json.encode(summary))

    def find_profile(self, workspace_id: str, dataset_id: str, version: int) -> tuple[bytes, Mapping[str, object]] | None:
        """Return (sample, summary), or None while the profile is not there yet."""
        profile = self._profiles.get((workspace_id, dataset_id, version))
        return profile and (profile[0], msgspec.json.decode(profile[1], type=dict[str, object]))

    def read_part(self, part: Part) -> bytes:
        """Return a part's bytes, after checking their sha256."""
        body = self.objects.get(part.key, b"")
        if sha256(body).hexdigest() != part.sha256:
            raise CorruptArtifactError(f"{part.key} does not have the sha256 of its manifest")
        return body


def _key_of(version: FeatureSetVersion) -> _Key:
    return version.dataset.workspace_id, version.dataset.dataset_id, version.version
