"""Loads versions of models: manifests, compiled model and snapshot, each checked before it is used."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import NamedTuple, TypeVar
from weakref import WeakValueDictionary

import msgspec

from presage.errors import CorruptArtifactError, NotFoundError, PresageError
from presage.predictions.freshness import FreshCache, start_thread
from presage.predictions.loaded_model import load_model
from presage.predictions.ports import Catalog, Deployment, ModelFiles
from presage.predictions.scorer import Scorer
from presage.predictions.snapshot import Snapshot, SnapshotFile
from presage.training.artifact import ModelArtifact, SnapshotManifest
from presage.training.model import ModelVersion

FORMATS = {ModelArtifact: 2, SnapshotManifest: 1}
MEMORY_BYTES = 256 << 20
MAX_SCORERS = 100_000
"""Memory is what bounds them; this bounds those that failed to load."""
RETRY_SECONDS = 10.0

_LOG = logging.getLogger(__name__)
ManifestT = TypeVar("ManifestT", ModelArtifact, SnapshotManifest)


class _VersionFiles(NamedTuple):
    """What of a version identifies its files; they never change. A key of every request: a tuple is hashed and compared in C."""

    model_id: str
    version: int
    artifact_key: str
    snapshot_key: str


class ScorerCache:
    """Scorers of versions, ready to answer, within a budget of memory: the least recently used go for new ones.

    A version of a model in use is loaded in the background before it serves (`prepare`); any other by the first request that needs
    it. Failures are retried after a pause. A scorer that is dropped ends with the last request that uses it.
    """

    def __init__(
        self,
        files: ModelFiles,
        *,
        memory_bytes: int = MEMORY_BYTES,
        retry_seconds: float = RETRY_SECONDS,
        stale_after_seconds: float = math.inf,
        start: Callable[[Callable[[], None]], None] = start_thread,
    ) -> None:
        """Load from `files`; `start` runs what is done in the background. Answers from older snapshots say that they are stale."""
        self._files = files
        self._memory_bytes = memory_bytes
        self._stale_after_seconds = stale_after_seconds
        self._start = start
        self._open_files: WeakValueDictionary[str, SnapshotFile] = WeakValueDictionary()
        self._opening = Lock()
        self._serving: dict[str, ModelVersion] = {}
        self._loading: set[_VersionFiles] = set()
        self._failed: set[_VersionFiles] = set()
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
        return self._scorers.get(_name_files(version))

    def holds(self, version: ModelVersion) -> bool:
        """Return whether the version is loaded."""
        return self._scorers.find(_name_files(version)) is not None

    def prepare(self, catalog: Catalog) -> Catalog:
        """Return the catalog as it can serve now: while a new version of a model in use is loaded, the last one stays in its place.

        The call that first meets the new version starts the loading and waits for nothing. A version that cannot be loaded is put in
        its place all the same: the fallback ladder says so. An experiment begins here once all versions that it compares are loaded.
        """
        deployments = {name: self._prepare_deployment(deployment) for name, deployment in catalog.deployments.items()}
        return replace(catalog, deployments=deployments)

    def _prepare_deployment(self, deployment: Deployment) -> Deployment:
        model_id, version = deployment.model.model_id, deployment.version
        if version is None:
            return deployment
        if deployment.compared and model_id in self._serving:
            deployment = self._prepare_compared(deployment)
        files, serving = _name_files(version), self._serving.get(model_id)
        if serving is not None and self._scorers.find(files) is None and self._scorers.find(_name_files(serving)) is not None:
            self._load_behind(files)
            if files in self._loading:
                return replace(deployment, version=serving)
        if self._scorers.find(files) is not None:
            self._serving[model_id] = version
        return deployment

    def _prepare_compared(self, deployment: Deployment) -> Deployment:
        """Return the deployment, without its experiment while a version that it compares is being loaded."""
        missing = [files for files in map(_name_files, deployment.compared) if self._scorers.find(files) is None]
        for files in missing:
            self._load_behind(files)
        is_loading = any(files in self._loading for files in missing)
        return replace(deployment, experiment=None, control=None, arms={}) if is_loading else deployment

    def _load_behind(self, files: _VersionFiles) -> None:
        if files in self._loading or files in self._failed:
            return
        self._loading.add(files)

        def load() -> None:
            try:
                self._scorers.get(files)
            except PresageError:
                self._failed.add(files)
            finally:
                self._loading.discard(files)

        self._start(load)

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
        """Return the scorer; that it cannot be loaded is said here, once a try, and not by the thousand requests that meet it."""
        try:
            return self._build_scorer(files)
        except PresageError as error:
            _LOG.warning("version %d of %s cannot be loaded: %s", files.version, files.model_id, error)
            raise

    def _build_scorer(self, files: _VersionFiles) -> Scorer:
        artifact = self._artifacts.get(files)
        try:
            path = self._files.fetch_artifact(artifact.model_key, sha256=artifact.model_sha256)
            model = load_model(path, columns=len(artifact.columns), classes=artifact.width)
            scorer = Scorer(artifact, model, self._load_snapshot(files), stale_after_seconds=self._stale_after_seconds)
        except NotFoundError as error:
            raise CorruptArtifactError(f"Version {files.version} of {files.model_id} lacks a file: {error}") from error
        self._scorers.shrink(self._memory_bytes - scorer.nbytes, _weigh)
        return scorer

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


def _weigh(scorer: Scorer) -> int:
    return scorer.nbytes


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
