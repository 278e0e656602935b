"""Where feature sets lie in the lake. Everything of a workspace is below `ws=<workspace_id>/`."""

from __future__ import annotations

import re
from datetime import date

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset

MANIFEST_SUFFIX = ".manifest.json"
_MANIFEST = re.compile(r"ws=([^/]+)/dataset=([^/]+)/versions/(\d{8})\.manifest\.json")
_PART = re.compile(r"ws=[^/]+/dataset=[^/]+/records/event_month=(\d{4})-(\d{2})/[^/]+\.parquet")
_QUARANTINED = re.compile(r"ws=[^/]+/quarantine/dataset=[^/]+/[^/]+/file/[^/]+")
_STAGED = re.compile(r"ws=[^/]+/staging/records/[^/]+/[0-9a-f]+\.json")


def build_part_key(dataset: Dataset, batch_id: str, month: str) -> str:
    """Return the key of a batch's part of one event month (`YYYY-MM`)."""
    return f"{_root(dataset.workspace_id, dataset.dataset_id)}/records/event_month={month}/{batch_id}.parquet"


def parse_part_month(key: str) -> tuple[int, int]:
    """Return (year, month) of the events in the part of that key.

    Raises:
        InvalidInputError: It is no part's key.
    """
    match = _PART.fullmatch(key)
    if match is None:
        raise InvalidInputError(f"{key!r} is not the key of a part", path="$.key")
    return int(match[1]), int(match[2])


def build_versions_prefix(workspace_id: str, dataset_id: str) -> str:
    """Return the prefix below which a dataset's manifests sort by version."""
    return f"{_root(workspace_id, dataset_id)}/versions/"


def build_manifest_key(workspace_id: str, dataset_id: str, version: int) -> str:
    """Return the key of a version's manifest."""
    return f"{build_versions_prefix(workspace_id, dataset_id)}{version:08d}{MANIFEST_SUFFIX}"


def parse_manifest_key(key: str) -> tuple[str, str, int]:
    """Return (workspace_id, dataset_id, version) of a manifest's key.

    Raises:
        InvalidInputError: It is no manifest's key.
    """
    match = _MANIFEST.fullmatch(key)
    if match is None:
        raise InvalidInputError(f"{key!r} is not the key of a version's manifest", path="$.key")
    return match[1], match[2], int(match[3])


def build_profile_keys(workspace_id: str, dataset_id: str, version: int) -> tuple[str, str]:
    """Return the keys of a version's sample and of its summary."""
    prefix = f"{_root(workspace_id, dataset_id)}/profiles/{version:08d}"
    return f"{prefix}/sample.ndjson", f"{prefix}/summary.json"


def build_imports_prefix(workspace_id: str) -> str:
    """Return the prefix below which a workspace's uploaded files lie."""
    return f"ws={workspace_id}/imports/"


def build_quarantine_prefix(workspace_id: str, dataset_id: str) -> str:
    """Return the prefix below which the loads lie that wait for somebody to look at them."""
    return f"ws={workspace_id}/quarantine/dataset={dataset_id}/"


def build_quarantined_key(workspace_id: str, dataset_id: str, load_id: str, source_key: str) -> str:
    """Return where the file of a load lies; it keeps its name."""
    return f"{build_quarantine_prefix(workspace_id, dataset_id)}{load_id}/file/{source_key.rpartition('/')[2]}"


def is_quarantined_file(key: str, workspace_id: str) -> bool:
    """Return whether `key` is that of a load's file in the workspace's quarantine."""
    return _QUARANTINED.fullmatch(key) is not None and key.startswith(f"ws={workspace_id}/quarantine/")


def build_ids_key(dataset: Dataset, day: date, digest: str) -> str:
    """Return the key of a segment of the ids that landed on a day; `digest` is of its content."""
    return f"{_root(dataset.workspace_id, dataset.dataset_id)}/ids/day={day.isoformat()}/{digest[:32]}.parquet"


def build_staging_key(workspace_id: str, dataset_id: str, batch_id: str) -> str:
    """Return where a batch waits that is too large for a message."""
    return f"ws={workspace_id}/staging/records/{dataset_id}/{batch_id}.json"


def is_staging_key(key: str) -> bool:
    """Return whether `key` is where a batch may wait; messages are not trusted to name other objects."""
    return _STAGED.fullmatch(key) is not None


def _root(workspace_id: str, dataset_id: str) -> str:
    return f"ws={workspace_id}/dataset={dataset_id}"
