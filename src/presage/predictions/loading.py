"""Loads versions of models: manifests, compiled model and snapshot, each checked before it is used."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256 as hash_sha256
from threading import Lock
from typing import NamedTuple, Protocol, TypeVar
from weakref import WeakValueDictionary

import msgspec

from presage.errors import CorruptArtifactError, MissingArtifactError, NotFoundError, PresageError
from presage.predictions.basis import Source, StoredArtifact
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


class Fetch(Protocol):
    """How a file is fetched: by key and SHA-256, as a local path."""

    def __call__(self, key: str, *, sha256: str) -> str:
        """Return the path, or raise `CorruptArtifactError`."""


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
        self._artifacts: FreshCache[_VersionFiles, StoredArtifact] = FreshCache(
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

    def read_artifact(self, version: ModelVersion) -> StoredArtifact:
        """Return only the version's `model.json`, which holds the baseline.

        Raises:
            CorruptArtifactError: As for `get_scorer`.
            UnavailableError: As for `get_scorer`.
        """
        return self._artifacts.get(_name_files(version))

    def load_as_stored(self, version: ModelVersion, stored: StoredArtifact, model_sha256: str) -> Scorer:
        """Return the version as its files are now, whatever the model's checksum says: to look into, never to serve.

        `stored` and `model_sha256` are its `model.json` and the SHA-256 of its model, read now. No manifest that was kept is trusted.

        Raises:
            CorruptArtifactError: As for `get_scorer`, but for the model's checksum.
            UnavailableError: As for `get_scorer`.
        """
        files = _name_files(version)
        if model_sha256 == stored.artifact.model_sha256:
            kept, (_, snapshot_sha256) = self._scorers.get(files), self._read_snapshot_manifest(files)
            if kept.source == _name_source(files, stored.sha256, snapshot_sha256):
                return kept
        return self._assemble(files, stored, model_sha256)

    def _load_artifact(self, files: _VersionFiles) -> StoredArtifact:
        return decode_artifact(read_file(self._files.read_artifact_manifest, files.artifact_key), files)

    def _load_scorer(self, files: _VersionFiles) -> Scorer:
        """Return the scorer; that it cannot be loaded is said here, once a try, and not by the thousand requests that meet it."""
        try:
            stored = self._artifacts.get(files)
            scorer = self._assemble(files, stored, stored.artifact.model_sha256)
        except PresageError as error:
            _LOG.warning("version %d of %s cannot be loaded: %s", files.version, files.model_id, error)
            raise
        self._scorers.shrink(self._memory_bytes - scorer.nbytes, _weigh)
        return scorer

    def _assemble(self, files: _VersionFiles, stored: StoredArtifact, model_sha256: str) -> Scorer:
        artifact = stored.artifact
        path = _fetch(self._files.fetch_artifact, artifact.model_key, model_sha256)
        model = load_model(path, columns=len(artifact.columns), classes=artifact.width)
        manifest, snapshot_sha256 = self._read_snapshot_manifest(files)
        return Scorer(
            artifact,
            model,
            self._open_snapshot(manifest),
            stale_after_seconds=self._stale_after_seconds,
            source=_name_source(files, stored.sha256, snapshot_sha256),
        )

    def _read_snapshot_manifest(self, files: _VersionFiles) -> tuple[SnapshotManifest, str]:
        body = read_file(self._files.read_lake_manifest, files.snapshot_key)
        manifest = _decode(body, SnapshotManifest, files.snapshot_key)
        if manifest.model_id != files.model_id:
            raise CorruptArtifactError(f"{files.snapshot_key} describes a snapshot of {manifest.model_id}")
        return manifest, hash_sha256(body).hexdigest()

    def _open_snapshot(self, manifest: SnapshotManifest) -> Snapshot:
        path = _fetch(self._files.fetch_lake, manifest.file_key, manifest.file_sha256)
        with self._opening:
            opened = self._open_files.get(path)
            if opened is None:
                opened = self._open_files[path] = SnapshotFile(path)
        return Snapshot(opened, manifest)


def _weigh(scorer: Scorer) -> int:
    return scorer.nbytes


def decode_artifact(body: bytes, version: ModelVersion | _VersionFiles) -> StoredArtifact:
    """Return the version's `model.json` from its bytes.

    Raises:
        CorruptArtifactError: It cannot be understood, or is another version's.
    """
    artifact = _decode(body, ModelArtifact, version.artifact_key)
    if (artifact.model_id, artifact.version) != (version.model_id, version.version):
        raise CorruptArtifactError(f"{version.artifact_key} describes version {artifact.version} of {artifact.model_id}")
    return StoredArtifact(artifact, hash_sha256(body).hexdigest())


def read_file(read: Callable[[str], bytes], key: str) -> bytes:
    """Return the bytes, or raise `MissingArtifactError`."""
    try:
        return read(key)
    except NotFoundError as error:
        raise MissingArtifactError(f"{key} is missing") from error


def _fetch(fetch: Fetch, key: str, sha256: str) -> str:
    try:
        return fetch(key, sha256=sha256)
    except NotFoundError as error:
        raise MissingArtifactError(f"{key} is missing") from error


def _name_source(files: _VersionFiles, artifact_sha256: str, snapshot_sha256: str) -> Source:
    return Source(files.version, artifact_sha256, files.snapshot_key, snapshot_sha256)


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
