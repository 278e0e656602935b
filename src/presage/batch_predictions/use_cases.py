"""Scores many entities with one version, in Spark. What was begun is found again, what is done is not done twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import takewhile
from typing import TypeVar

import msgspec

from presage.batch_predictions.entities import EntityChoice, find_entities
from presage.batch_predictions.order import (
    ARTIFACT_FILE,
    MODEL_FILE,
    ORDER_FILE,
    ROWS_PER_PARTITION,
    Order,
    build_prefix,
    encode_order,
)
from presage.batch_predictions.results import BatchManifest, measure_progress, read_manifest
from presage.errors import CorruptArtifactError, JobCancelledError
from presage.progress import Progress
from presage.training.artifact import ModelArtifact, SnapshotManifest
from presage.training.model import Alias, Model, ModelVersion
from presage.training.ports import TrainingFiles
from presage.training.recipe import to_microseconds
from presage.training.refresh import VersionPorts, find_newest
from presage.training.registration import choose_version
from presage.training.runs import Checkpoint, Steps, stop_last_run
from presage.training.use_cases import BuildPorts

STEP = "predict_batch"
ManifestT = TypeVar("ManifestT", ModelArtifact, SnapshotManifest)


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Which version of a model (by number, or the one under `alias`) is to score whom, as of when."""

    job_id: str
    entities: EntityChoice
    as_of: datetime
    version: int | None = None
    alias: Alias = "production"
    rows_per_partition: int = ROWS_PER_PARTITION


def predict_batch(
    request: BatchRequest, *, model: Model, ports: VersionPorts, progress: Progress, checkpoint: Mapping[str, object]
) -> BatchManifest:
    """Return what was written, after reading it back: one prediction an entity, as `POST /v1/predict` answers that names the version.

    No entity is assigned to a variant, and nothing stands in for a version that cannot answer.
    Idempotency: version, snapshot, input and time are pinned at the first try; a run under way is found again, and a new one goes on
    behind the partitions that are done. Predictions have the same ids however often the job is tried.

    Raises:
        NotFoundError: There is no such version.
        InvalidInputError: Nothing of the model serves under the alias, or the input names no entities.
        CorruptArtifactError: The version's files, or the results, are not what they should be.
        UnavailableError: A run failed or was lost; a retry goes on.
        JobCancelledError: As raised by `progress`, after stopping what ran.
    """
    build = ports.build
    state = Checkpoint(checkpoint, progress, now=build.clock())
    try:
        return _predict(request, _pin_version(request, model, ports, state), ports=build, state=state)
    except JobCancelledError:
        stop_last_run(state, spark=build.spark, tasks=build.tasks)
        raise


def _pin_version(request: BatchRequest, model: Model, ports: VersionPorts, state: Checkpoint) -> ModelVersion:
    """Return the version with its newest snapshot, or what an earlier try chose."""
    number, snapshot_key = state.get("version"), state.get("snapshot_key")
    if isinstance(number, int) and isinstance(snapshot_key, str):
        found = ports.build.versions.get_version(model.workspace_id, model.model_id, number)
        return replace(found, snapshot_key=snapshot_key)
    version = find_newest(choose_version(model, request.version, request.alias, versions=ports.build.versions), ports.history)
    state.put(0.01, f"version {version.version} is to score", {"version": version.version, "snapshot_key": version.snapshot_key})
    return version


def _predict(request: BatchRequest, version: ModelVersion, *, ports: BuildPorts, state: Checkpoint) -> BatchManifest:
    prefix, files = build_prefix(version.workspace_id, request.job_id), ports.files
    order = _build_order(request, version, ports=ports, state=state)
    files.put_lake(prefix + ORDER_FILE, encode_order(order))
    steps = Steps(ports.spark, ports.tasks, state=state, pause=ports.pause, name=f"{request.job_id}/{STEP}")
    arguments = {
        "recipe": f"lake://{prefix}{ORDER_FILE}",
        "inputs": ",".join(f"lake://{key}" for key in _list_inputs(order)),
        "output": f"lake://{prefix}",
    }
    steps.run_spark(
        STEP,
        arguments,
        share=(0.05, 0.95),
        verify=lambda: read_manifest(files, order) is not None,
        measure=lambda: measure_progress(files, prefix),
    )
    manifest = read_manifest(files, order)
    if manifest is None:
        raise CorruptArtifactError(f"{prefix}manifest.json is gone")
    return manifest


def _list_inputs(order: Order) -> list[str]:
    """Return the prefixes below which the step reads, for a runner that has to bring them."""
    keys = order.source.keys
    shared = takewhile(lambda letters: letters[0] == letters[1], zip(min(keys), max(keys), strict=False)) if keys else ()
    entities = "".join(letter for letter, _ in shared).rpartition("/")[0]
    snapshot = order.snapshot_key.rpartition("/")[0]
    return [f"{folder}/" for folder in (entities, snapshot) if folder]


def _build_order(request: BatchRequest, version: ModelVersion, *, ports: BuildPorts, state: Checkpoint) -> Order:
    artifact = _keep_model(request, version, ports.files)
    snapshot = _decode(ports.files.read_lake(version.snapshot_key), SnapshotManifest, version.snapshot_key)
    source = find_entities(request.entities, version, artifact, ports=ports, state=state)
    return Order(
        workspace_id=version.workspace_id,
        job_id=request.job_id,
        model_id=version.model_id,
        version=version.version,
        kind=artifact.spec.kind,
        training_set_id=version.training_set_id,
        model_sha256=artifact.model_sha256,
        snapshot_key=version.snapshot_key,
        snapshot_sha256=snapshot.file_sha256,
        snapshot_file_key=snapshot.file_key,
        as_of_us=to_microseconds(request.as_of),
        source=source,
        rows_per_partition=request.rows_per_partition,
    )


def _keep_model(request: BatchRequest, version: ModelVersion, files: TrainingFiles) -> ModelArtifact:
    """Copy the model beside the results, where Spark may read; return its manifest."""
    raw = files.read_artifact(version.artifact_key)
    artifact = _decode(raw, ModelArtifact, version.artifact_key)
    body = files.read_artifact(artifact.model_key)
    if body is None or sha256(body).hexdigest() != artifact.model_sha256:
        raise CorruptArtifactError(f"{artifact.model_key} does not have the checksum that {version.artifact_key} names")
    prefix = f"{build_prefix(version.workspace_id, request.job_id)}model/"
    files.put_lake(prefix + MODEL_FILE, body)
    files.put_lake(prefix + ARTIFACT_FILE, raw or b"")
    return artifact


def _decode(body: bytes | None, manifest_type: type[ManifestT], key: str) -> ManifestT:
    if body is None:
        raise CorruptArtifactError(f"{key} is not there")
    try:
        return msgspec.json.decode(body, type=manifest_type)
    except msgspec.MsgspecError as error:
        raise CorruptArtifactError(f"{key} cannot be read: {error}") from error
