"""What a dataset's page shows of a version: summary statistics and a subsample. Same version, same bytes."""

from __future__ import annotations

import logging

from presage.errors import NotFoundError
from presage.features.keys import parse_manifest_key
from presage.features.ports import ProfileStore
from presage.features.profiling.scan import scan_version
from presage.features.profiling.summary import build_sample, build_summary
from presage.features.records import FeatureSetVersion

ALWAYS_PROFILED_EVERY = 20
"""Under a stream that never pauses each version is superseded before it is looked at; every so many are profiled all the same."""
_LOG = logging.getLogger("presage.features.profile")


def profile_version(*, version: FeatureSetVersion, store: ProfileStore, sample_rows: int) -> bool:
    """Write the version's profile and return True, or return False when a newer version's profile will replace it.

    Each manifest starts its own profile run, so a version that is no longer the newest can be left out.
    Idempotency: the same version writes the same bytes.

    Raises:
        CorruptArtifactError: A part is not what the manifest says.
        UnavailableError: The lake did not answer.
    """
    dataset = version.dataset
    newest = store.find_version(dataset.workspace_id, dataset.dataset_id)
    if newest is not None and newest.version > version.version and version.version % ALWAYS_PROFILED_EVERY:
        _LOG.info("version %d of %s is superseded by %d: not profiled", version.version, dataset.dataset_id, newest.version)
        return False
    state = scan_version(version, store=store, sample_rows=sample_rows)
    sample, rows = build_sample(state, dataset.columns)
    store.put_profile(version, sample=sample, summary=build_summary(state, version=version, sample_rows=rows))
    return True


def profile_key(key: str, *, store: ProfileStore, sample_rows: int) -> bool:
    """Profile the version whose manifest has that key; returns and raises as `profile_version`.

    Raises:
        InvalidInputError: `key` is no manifest's.
        NotFoundError: There is no such manifest.
    """
    workspace_id, dataset_id, number = parse_manifest_key(key)
    version = store.find_version(workspace_id, dataset_id, number)
    if version is None:
        raise NotFoundError(f"there is no manifest {key!r}")
    return profile_version(version=version, store=store, sample_rows=sample_rows)
