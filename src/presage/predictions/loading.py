"""Loads versions of models: manifests, compiled model and snapshot, each checked before it is used."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from presage.errors import CorruptArtifactError, NotFoundError, UnavailableError
from presage.predictions.freshness import FreshCache
from presage.predictions.loaded_model import load_model
from presage.predictions.ports import Catalog, ModelFiles
from presage.predictions.scorer import Scorer
from presage.predictions.snapshot import Snapshot, SnapshotFile
from presage.training.artifact import ModelArtifact, SnapshotManifest
from presage.training.model import ModelVersion

FORMATS = {ModelArtifact: 2, SnapshotManifest: 1}
MAX_SCORERS = 64
RETRY_SECONDS = 10.0

_LOG = logging.getLogger(__name__)
ManifestT = TypeVar("ManifestT", ModelArtifact, SnapshotManifest)


@dataclass(frozen=True, slots=True)
class _VersionFiles:
    """What of a version identifies its files; they never change."""

    model_id: str
    version: int
    artifact_key: str
    snapshot_key: str


class ScorerCache:
    """Scorers of versions, loaded by the first request that needs them; failures are retried after a pause."""

    def __init__(self, files: ModelFiles, *, retry_seconds: float = RETRY_SECONDS) -> None:
        """Load from `files`."""
        self._files = files
        self._open_files: WeakValueDictionary[str, SnapshotFile] = WeakValueDictionary()
        self._opening = Lock()
        self._models_in_use: set[str] = set()
        self._artifacts: FreshCache[_VersionFiles, ModelArtifact] = FreshCache(
            self._load_artifact, ttl_seconds=math.inf, retry_seconds=retry_seconds
        )
        self._scorers: FreshCache[_VersionFiles, Scorer] = FreshCache(
            self._load_scorer, ttl_seconds=math.inf, retry_seconds=retry_seconds, capacity=MAX_SCORERS
        )

    def get_scorer(self, version: ModelVersion) -> Scorer:
        """Return the version, ready to answer.

        Raises:
            CorruptArtifactError: A file is missing, fails its checksum or cannot be understood.
            UnavailableError: S3 does not answer.
        """
        self._models_in_use.add(version.model_id)
        return self._scorers.get(_name_files(version))

    def prepare(self, catalog: Catalog) -> None:
        """Load the versions that serve in `catalog` of models that were asked for before; one that cannot be loaded is logged."""
        for deployment in catalog.deployments.values():
            if deployment.version is None or deployment.model.model_id not in self._models_in_use:
                continue
            try:
                self.get_scorer(deployment.version)
            except (CorruptArtifactError, UnavailableError) as error:
                _LOG.warning("version %d of %s cannot be prepared: %s", deployment.version.version, deployment.model.model_id, error)

    def get_artifact(self, version: ModelVersion) -> ModelArtifact:
        """Return only the version's `model.json`, which holds the baseline.

        Raises:
            CorruptArtifactError: As for `get_scorer`.
            UnavailableError: As for `get_scorer`.
        """
        return self._artifacts.get(_name_files(version))

    def _load_artifact(self, files: _VersionFiles) -> ModelArtifact:
        try:
            artifact = _decode(self._files.read_artifact_manifest(files.artifact_key), ModelArtifact, files.artifact_key)
        except NotFoundError as error:
            raise CorruptArtifactError(f"{files.artifact_key} is missing") from error
        if (artifact.model_id, artifact.version) != (files.model_id, files.version):
            raise CorruptArtifactError(f"{files.artifact_key} describes version {artifact.version} of {artifact.model_id}")
        return artifact

    def _load_scorer(self, files: _VersionFiles) -> Scorer:
        artifact = self._artifacts.get(files)
        try:
            path = self._files.fetch_artifact(artifact.model_key, sha256=artifact.model_sha256)
            model = load_model(path, columns=len(artifact.columns), classes=len(artifact.classes))
            return Scorer(artifact, model, self._load_snapshot(files))
        except NotFoundError as error:
            raise CorruptArtifactError(f"Version {files.version} of {files.model_id} lacks a file: {error}") from error

    def _load_snapshot(self, files: _VersionFiles) -> Snapshot:
        manifest = _decode(self._files.read_lake_manifest(files.snapshot_key), SnapshotManifest, files.snapshot_key)
        if manifest.model_id != files.model_id:
            raise CorruptArtifactError(f"{files.snapshot_key} describes a snapshot of {manifest.model_id}")
        path = self._files.fetch_lake(manifest.file_key, sha256=manifest.file_sha256)
        with self._opening:
            opened = self._open_files.get(path)
            if opened is None:
                opened = self._open_files[path] = SnapshotFile(path)
        return Snapshot(opened, manifest)


def _name_files(version: ModelVersion) -> _VersionFiles:
    return _VersionFiles(version.model_id, version.version, version.artifact_key, version.snapshot_key)


def _decode(body: bytes, manifest_type: type[ManifestT], key: str) -> ManifestT:
    try:
        manifest = msgspec.json.decode(body, type=manifest_type)
    except msgspec.MsgspecError as error:
        raise CorruptArtifactError(f"{key} cannot be read: {error}") from error
    if manifest.format != FORMATS[manifest_type]:
        raise CorruptArtifactError(f"{key} has format {manifest.format}, expected {FORMATS[manifest_type]}")
    return manifest
