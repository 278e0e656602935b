"""Renews the feature values of a version that serves: a new snapshot of the same version, from the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from presage.errors import CorruptArtifactError, JobCancelledError
from presage.progress import Progress
from presage.training.artifact import ModelArtifact
from presage.training.model import Model, ModelVersion, VersionSnapshot
from presage.training.ports import SnapshotHistory, TrainingFiles
from presage.training.recipe import RECIPE_FILE, Recipe, encode_recipe, to_microseconds
from presage.training.reuse import PREVIOUS_FILE, PreviousSnapshot, encode_previous
from presage.training.runs import SILENT, Checkpoint, Steps, stop_last_run
from presage.training.use_cases import BuildPorts, pin_inputs
from presage.training.verification import verify_snapshot


@dataclass(frozen=True, slots=True)
class VersionPorts:
    """What work on a version that is there needs from outside."""

    build: BuildPorts
    history: SnapshotHistory


def find_newest(version: ModelVersion, history: SnapshotHistory) -> ModelVersion:
    """Return the version with its newest snapshot, as serving has it."""
    found = history.list_snapshots(version.workspace_id, version.model_id, version.version, limit=1)
    return replace(version, snapshot_key=found[0].snapshot_key) if found else version


def refresh_snapshot(
    model: Model, version: ModelVersion, *, as_of: datetime, ports: VersionPorts, progress: Progress, checkpoint: Mapping[str, object]
) -> VersionSnapshot:
    """Return the version's new snapshot of what is known at `as_of`, after adding it to the history, from where serving takes it.

    It is made from the newest one before it where that gives the same (docs/adr/0040), and by the specification that the version was
    built by, whatever the model's is now.
    Idempotency: as for `build_model`; the history has each snapshot once.

    Raises:
        CorruptArtifactError: The version's files are not what they should be.
        UnavailableError: A run failed or was lost; a retry starts it anew.
        JobCancelledError: As raised by `progress`, after stopping what ran.
    """
    state = Checkpoint(checkpoint, progress, now=ports.build.clock())
    try:
        return _refresh(model, version, as_of, ports=ports, state=state)
    except JobCancelledError:
        stop_last_run(state, spark=ports.build.spark, tasks=ports.build.tasks)
        raise


def _refresh(model: Model, version: ModelVersion, as_of: datetime, *, ports: VersionPorts, state: Checkpoint) -> VersionSnapshot:
    files, workspace = ports.build.files, f"ws={model.workspace_id}"
    spec = _read_artifact(version, files).spec
    recipe = Recipe(model.workspace_id, spec, pin_inputs(model.workspace_id, spec, ports.build, state), to_microseconds(as_of))
    snapshot_id = f"{version.version:08d}-{as_of:%Y%m%dT%H%M%S%f}"
    prefix = f"{workspace}/snapshots/{model.model_id}/{snapshot_id}/"
    previous = _find_previous(version, ports.history, before=as_of)
    files.put_lake(prefix + RECIPE_FILE, encode_recipe(recipe))
    files.put_lake(prefix + PREVIOUS_FILE, encode_previous(previous))
    steps = Steps(ports.build.spark, ports.build.tasks, state=state, pause=ports.build.pause, name=f"{prefix}/{version.version}")
    _run(steps, version, recipe, files=files, places=(prefix, snapshot_id, previous))
    made = VersionSnapshot(model.workspace_id, model.model_id, version.version, f"{prefix}snapshot.json", as_of, ports.build.clock())
    ports.history.append_snapshot(made)
    return made


def _run(steps: Steps, version: ModelVersion, recipe: Recipe, *, files: TrainingFiles, places: tuple[str, str, PreviousSnapshot]) -> None:
    prefix, snapshot_id, previous = places
    datasets = [f"lake://ws={recipe.workspace_id}/dataset={dataset.dataset_id}/records/" for dataset in recipe.datasets.values()]
    inputs = [*datasets, f"lake://{previous.prefix}", f"lake://{previous.recipe_key}"]
    steps.run_spark(
        "materialize",
        {"recipe": f"lake://{prefix}{RECIPE_FILE}", "inputs": ",".join(inputs), "output": f"lake://{prefix}"},
        share=(0.05, 0.7),
        verify=lambda: files.read_lake(f"{prefix}manifest.json") is not None,
    )
    artifact = f"{version.artifact_key.rpartition('/')[0]}/"
    place = ["--training-set", prefix, "--artifact", artifact, "--snapshot", prefix]
    steps.run_task(
        "pack",
        ["pack", *place, "--model-id", version.model_id, "--snapshot-id", snapshot_id],
        share=(0.7, 0.95),
        verify=lambda: verify_snapshot(files, prefix),
        words=SILENT,
    )


def _find_previous(version: ModelVersion, history: SnapshotHistory, *, before: datetime) -> PreviousSnapshot:
    """Return the newest snapshot of an earlier time, or the one that the version was built with."""
    for found in history.list_snapshots(version.workspace_id, version.model_id, version.version):
        if found.as_of < before:
            prefix = f"{found.snapshot_key.rpartition('/')[0]}/"
            return PreviousSnapshot(prefix, prefix + RECIPE_FILE)
    recipe = f"ws={version.workspace_id}/training_sets/{version.training_set_id}/{RECIPE_FILE}"
    return PreviousSnapshot(f"{version.snapshot_key.rpartition('/')[0]}/", recipe)


def _read_artifact(version: ModelVersion, files: TrainingFiles) -> ModelArtifact:
    body = files.read_artifact(version.artifact_key)
    if body is None:
        raise CorruptArtifactError(f"{version.artifact_key} is not there")
    try:
        return msgspec.json.decode(body, type=ModelArtifact)
    except msgspec.MsgspecError as error:
        raise CorruptArtifactError(f"{version.artifact_key} cannot be read: {error}") from error
