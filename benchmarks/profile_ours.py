"""Ours for `make bench-profile`: `python -m benchmarks.profile_ours presage <column> <part>…`, the profile function's own code on files."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.peak import read_peak_mib
from benchmarks.profile_data import DATASET, count_rows
from presage.errors import CorruptArtifactError
from presage.features.profile import profile_version
from presage.features.records import FeatureSetVersion, Part
from tests.fixtures.feature_records import NOW


class FileStore:
    """`ProfileStore` on files, which checks their sha256 as the lake's does."""

    def __init__(self, version: FeatureSetVersion) -> None:
        """Hold this version only."""
        self._version = version
        self.summary: dict[str, Any] = {}

    def find_version(self, _workspace_id: str, _dataset_id: str, _version: int | None = None) -> FeatureSetVersion | None:
        """Return the version."""
        return self._version

    def read_part(self, part: Part) -> bytes:
        """Return a file's bytes."""
        body = Path(part.key).read_bytes()
        if sha256(body).hexdigest() != part.sha256:
            raise CorruptArtifactError(part.key)
        return body

    def put_profile(self, _version: FeatureSetVersion, *, sample: bytes, summary: Mapping[str, object]) -> None:
        """Keep the summary."""
        self.summary = {**summary, "sample lines": sample.count(b"\n")}


def main() -> None:
    """Profile once."""
    column, paths = sys.argv[2], [Path(name) for name in sys.argv[3:]]
    digests = [sha256(path.read_bytes()).hexdigest() for path in paths]
    parts = [Part(str(path), digest, rows, 0) for path, digest, rows in zip(paths, digests, count_rows(paths), strict=True)]
    store = FileStore(FeatureSetVersion(DATASET, 1, tuple(parts), NOW))
    began = time.perf_counter()
    profile_version(version=FeatureSetVersion(DATASET, 1, tuple(parts), NOW), store=store, sample_rows=1_000)
    seconds = time.perf_counter() - began
    summary = next(one for one in store.summary["columns"] if one["name"] == column)
    found = {"nulls": summary["nulls"], "mean": summary["mean"], "median": summary["quantiles"]["0.5"]}
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mib": read_peak_mib(), "found": found}) + "\n")


if __name__ == "__main__":
    main()
