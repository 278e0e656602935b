"""Builds a model version: training set, fit, snapshot, registration, alias. Every step can be repeated after a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from presage.errors import AlreadyExistsError, ConflictError, CorruptArtifactError, InvalidInputError, JobCancelledError
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.progress import Progress
from presage.training.model import Alias, AliasMove, Model, ModelVersion, Promotion
from presage.training.ports import SparkRunner, TaskRunner, TrainingFiles, VersionRegistry
from presage.training.recipe import (
    InputDataset,
    InputPart,
    Recipe,
    compute_training_set_id,
    encode_recipe,
    to_microseconds,
)
from presage.training.runs import Checkpoint, Pause, Steps, Words, stop_last_run
from presage.training.spec import ModelSpec, list_datasets
from presage.training.validation import validate_spec
from presage.training.verification import verify_artifact, verify_snapshot, verify_training_set


@dataclass(frozen=True, slots=True)
class BuildPorts:
    """What building needs from outside. `clock` tells the time (aware UTC), `pause` waits between two looks at a run (seconds)."""

    datasets: DatasetStore
    feature_sets: FeatureSetStore
    spark: SparkRunner
    tasks: TaskRunner
    files: TrainingFiles
    versions: VersionRegistry
    clock: Callable[[], datetime]
    pause: Pause


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """Which version to build, from what was known at `cutoff`, and under which alias it is to be found then.

    With `promote="if_better"`, only if it is shown to be better than the version that serves there when the build begins.
    """

    version: int
    cutoff: datetime
    alias: Alias = "production"
    promote: Promotion = "always"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a build keeps its files; all prefixes end with a slash. The first and third are in the lake."""

    training_set: str
    artifact: str
    snapshot: str
    snapshot_id: str


def build_model(
    *,
    model: Model,
    order: BuildOrder,
    ports: BuildPorts,
    progress: Progress,
    checkpoint: Mapping[str, object],
) -> ModelVersion:
    """Build a version of the model from what was known at the cut-off, register it, and point the alias at it.

    The alias only goes forward here: a build that one begun later has overtaken is registered and does not serve.

    Input versions are pinned at the first try and kept in the checkpoint. A step whose output is there and whole is not run
    again; a run that is under way is found again by its token, so a retry resumes. What a run says of itself is never taken for
    its result: manifests and files are read and verified.
    Idempotency: the same arguments and checkpoint end in one version and one move of the alias.

    Raises:
        InvalidInputError: Specification or data cannot give a model; the message says why.
        ConflictError: The version exists already, from another training set.
        UnavailableError: A run failed or was lost; a retry starts it anew.
        JobCancelledError: As raised by `progress`, after stopping what ran, be it an earlier try's.
    """
    state = Checkpoint(checkpoint, progress, now=ports.clock())
    try:
        return _build(model, order, ports=ports, state=state)
    except JobCancelledError:
        stop_last_run(state, spark=ports.spark, tasks=ports.tasks)
        raise


def _build(model: Model, order: BuildOrder, *, ports: BuildPorts, state: Checkpoint) -> ModelVersion:
    now, version = ports.clock(), order.version
    recipe = _pin_recipe(model, order.cutoff, ports, state)
    training_set_id = compute_training_set_id(recipe)
    places = _locate(model, version, training_set_id)
    ports.files.put_lake(f"{places.training_set}recipe.json", encode_recipe(recipe))
    steps = Steps(ports.spark, ports.tasks, state=state, pause=ports.pause, name=f"{training_set_id}/{model.model_id}/{version}")
    _build_training_set(steps, recipe, places, files=ports.files)
    champion = _pin_champion(model, order, ports, state)
    _fit(steps, model, version, champion=champion, places=places, files=ports.files)
    _make_snapshot(steps, model, recipe, places=places, files=ports.files)
    state.report(0.95, "registering the version")
    built = ModelVersion(
        workspace_id=model.workspace_id,
        model_id=model.model_id,
        version=version,
        training_set_id=training_set_id,
        artifact_key=f"{places.artifact}model.json",
        snapshot_key=f"{places.snapshot}snapshot.json",
        metrics=_read_metrics(ports.files, places),
        created_at=now,
    )
    registered = _register(built, ports.versions)
    if champion is not None and not _is_better(registered):
        state.report(1.0, f"version {version} is registered; version {champion} stays: the new one is not shown to be better")
        return registered
    serves = _advance_alias(registered, order.alias, ports.versions, now=now)
    state.report(1.0, f"version {version} is in {order.alias}" if serves else f"version {version} is registered")
    return registered


def _pin_recipe(model: Model, cutoff: datetime, ports: BuildPorts, state: Checkpoint) -> Recipe:
    """Return the recipe with the datasets' newest versions, or with those that an earlier try pinned."""
    inputs = pin_inputs(model.workspace_id, model.spec, ports, state)
    return Recipe(model.workspace_id, model.spec, inputs, to_microseconds(cutoff))


def pin_inputs(workspace_id: str, spec: ModelSpec, ports: BuildPorts, state: Checkpoint) -> dict[str, InputDataset]:
    """Return the newest version of each dataset that the specification needs, or those that an earlier try pinned.

    Raises:
        InvalidInputError: A dataset is gone, has lost a column or has no records.
    """
    found = {name: ports.datasets.find_dataset_by_name(workspace_id, name) for name in list_datasets(spec)}
    datasets = {name: dataset for name, dataset in found.items() if dataset is not None}
    validate_spec(spec, datasets)
    pins = state.get("pins")
    inputs: dict[str, InputDataset] = {}
    for name, dataset in datasets.items():
        pinned = pins[name] if isinstance(pins, Mapping) else None
        head = ports.feature_sets.find_version(workspace_id, dataset.dataset_id, pinned)
        if head is None:
            raise InvalidInputError(f"dataset {name!r} has no records yet", path="$.spec")
        parts = tuple(InputPart(part.key, part.sha256, part.rows) for part in head.parts)
        columns = {column.name: str(column.type) for column in head.dataset.columns}
        inputs[name] = InputDataset(dataset.dataset_id, head.version, columns, parts)
    state.put(0.02, "inputs pinned", {"pins": {name: pinned.version for name, pinned in inputs.items()}})
    return inputs


def _pin_champion(model: Model, order: BuildOrder, ports: BuildPorts, state: Checkpoint) -> int | None:
    """Return the version to be better than, the one that served when an earlier try looked; None if there is none to beat."""
    if order.promote == "always":
        return None
    kept = state.get("champion")
    if kept is None:
        moves = ports.versions.list_alias_moves(model.workspace_id, model.model_id, order.alias)
        kept = moves[0].version if moves and moves[0].traffic == "model" else 0
        state.put(0.04, "champion pinned", {"champion": kept})
    return int(str(kept)) or None


def _is_better(challenger: ModelVersion) -> bool:
    """Return whether the trainer found the version to be better than the champion; what was not compared is not better."""
    found = challenger.metrics.get("champion")
    return isinstance(found, Mapping) and bool(found["better"])


def _locate(model: Model, version: int, training_set_id: str) -> _Places:
    workspace = f"ws={model.workspace_id}"
    snapshot_id = f"{version:08d}-{training_set_id[:16]}"
    return _Places(
        training_set=f"{workspace}/training_sets/{training_set_id}/",
        artifact=_build_artifact_prefix(model, version),
        snapshot=f"{workspace}/snapshots/{model.model_id}/{snapshot_id}/",
        snapshot_id=snapshot_id,
    )


def _build_artifact_prefix(model: Model, version: int) -> str:
    return f"ws={model.workspace_id}/models/{model.model_id}/{version}/"


def _spark_arguments(recipe: Recipe, places: _Places, output: str) -> dict[str, str]:
    inputs = [f"lake://ws={recipe.workspace_id}/dataset={dataset.dataset_id}/records/" for dataset in recipe.datasets.values()]
    return {"recipe": f"lake://{places.training_set}recipe.json", "inputs": ",".join(inputs), "output": f"lake://{output}"}


def _build_training_set(steps: Steps, recipe: Recipe, places: _Places, *, files: TrainingFiles) -> None:
    steps.run_spark(
        "build_training_set",
        _spark_arguments(recipe, places, places.training_set),
        share=(0.05, 0.4),
        verify=lambda: verify_training_set(files, places.training_set, recipe),
    )


def _fit(steps: Steps, model: Model, version: int, *, champion: int | None, places: _Places, files: TrainingFiles) -> None:
    place = ["--training-set", places.training_set, "--artifact", places.artifact]
    if champion is not None:
        place += ["--champion", _build_artifact_prefix(model, champion)]
    steps.run_task(
        "fit",
        ["fit", *place, "--model-id", model.model_id, "--version", str(version)],
        share=(0.4, 0.65),
        verify=lambda: verify_artifact(files, places.artifact, training_set=places.training_set),
        words=Words(lambda: _read_failure(files, places), lambda: _read_progress(files, places)),
    )


def _make_snapshot(steps: Steps, model: Model, recipe: Recipe, *, places: _Places, files: TrainingFiles) -> None:
    if verify_snapshot(files, places.snapshot):
        return
    steps.run_spark(
        "materialize",
        _spark_arguments(recipe, places, places.snapshot),
        share=(0.65, 0.85),
        verify=lambda: files.read_lake(f"{places.snapshot}manifest.json") is not None,
    )
    place = ["--training-set", places.training_set, "--artifact", places.artifact, "--snapshot", places.snapshot]
    steps.run_task(
        "pack",
        ["pack", *place, "--model-id", model.model_id, "--snapshot-id", places.snapshot_id],
        share=(0.85, 0.95),
        verify=lambda: verify_snapshot(files, places.snapshot),
        words=Words(lambda: _read_failure(files, places), lambda: None),
    )


def _read_failure(files: TrainingFiles, places: _Places) -> str | None:
    """Return why the trainer refused, or None when it did not say; what it said of another training set is an earlier job's."""
    body = files.read_artifact(f"{places.artifact}failure.json")
    failure: dict[str, Any] = {} if body is None else msgspec.json.decode(body)
    is_of_this = failure.get("training_set", places.training_set) == places.training_set
    return str(failure["message"]) if failure and is_of_this else None


def _read_progress(files: TrainingFiles, places: _Places) -> str | None:
    """Return how far a search has come, or None when there is none."""
    body = files.read_artifact(f"{places.artifact}progress.json")
    return None if body is None else str(msgspec.json.decode(body)["message"])


def _read_metrics(files: TrainingFiles, places: _Places) -> Mapping[str, object]:
    body = files.read_artifact(f"{places.artifact}metrics.json")
    if body is None:
        raise CorruptArtifactError(f"{places.artifact}metrics.json is not there")
    metrics: dict[str, Any] = msgspec.json.decode(body)
    return metrics


def _register(built: ModelVersion, versions: VersionRegistry) -> ModelVersion:
    try:
        versions.create_version(built)
    except AlreadyExistsError as error:
        kept = versions.get_version(built.workspace_id, built.model_id, built.version)
        if kept.training_set_id != built.training_set_id:
            raise ConflictError(f"version {built.version} exists already, from training set {kept.training_set_id}") from error
        return kept
    return built


def _advance_alias(built: ModelVersion, alias: Alias, versions: VersionRegistry, *, now: datetime) -> bool:
    """Let the version serve, unless it did before (it may have been rolled back since), or a build begun later has overtaken it."""
    reason = f"version {built.version} was built"
    return versions.advance_alias(AliasMove(built.workspace_id, built.model_id, alias, built.version, "model", reason, now))
