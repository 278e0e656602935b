"""Looks whether a build's outputs are there and whole. False means: not there yet; wrong contents are an error."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from presage.errors import CorruptArtifactError, InvalidInputError
from presage.training.artifact import ModelArtifact, SnapshotManifest
from presage.training.ports import TrainingFiles
from presage.training.recipe import Recipe, compute_training_set_id
from presage.training.spec import feature_columns


def verify_training_set(files: TrainingFiles, prefix: str, recipe: Recipe) -> bool:
    """Return whether the training set is there: its manifest, and every file that the manifest names.

    Raises:
        CorruptArtifactError: The manifest is another recipe's, or contradicts itself.
        InvalidInputError: It is whole, and has no rows: the data hold no closed observation.
    """
    body = files.read_lake(f"{prefix}manifest.json")
    if body is None:
        return False
    manifest: dict[str, Any] = msgspec.json.decode(body)
    if manifest["training_set_id"] != compute_training_set_id(recipe):
        raise CorruptArtifactError(f"{prefix}manifest.json is of training set {manifest['training_set_id']}")
    rows = sum(file["rows"] for file in manifest["files"])
    missing = set(feature_columns(recipe.spec)) - set(manifest["columns"])
    if manifest["rows"] != rows or sum(manifest["labels"].values()) != rows or missing:
        raise CorruptArtifactError(f"{prefix}manifest.json contradicts itself: {manifest['rows']} rows, {rows} in files, no {missing}")
    if rows == 0:
        counted = ", ".join(f"{count} {name}" for name, count in sorted(manifest["observations"].items()))
        raise InvalidInputError(f"the training set has no rows; observations: {counted}")
    there = set(files.list_lake(f"{prefix}data/"))
    return all(prefix + file["key"] in there for file in manifest["files"])


def verify_artifact(files: TrainingFiles, prefix: str, *, training_set: str) -> bool:
    """Return whether the model's files are there, made from the training set of that prefix, with the right checksum.

    Raises:
        CorruptArtifactError: The compiled model's bytes are not those that the manifest names.
    """
    body = files.read_artifact(f"{prefix}model.json")
    if body is None or files.read_artifact(f"{prefix}metrics.json") is None:
        return False
    try:
        artifact = msgspec.json.decode(body, type=ModelArtifact)
    except msgspec.ValidationError:  # a trainer of another release left it: let this one write it anew
        return False
    if artifact.training_set_id not in training_set:
        return False
    compiled = files.read_artifact(artifact.model_key)
    if compiled is None or sha256(compiled).hexdigest() != artifact.model_sha256:
        raise CorruptArtifactError(f"{artifact.model_key} does not have the checksum that {prefix}model.json names")
    return True


def verify_snapshot(files: TrainingFiles, prefix: str) -> bool:
    """Return whether the packed snapshot is there, with the right checksum.

    Raises:
        CorruptArtifactError: The file's bytes are not those that the manifest names.
    """
    body = files.read_lake(f"{prefix}snapshot.json")
    if body is None:
        return False
    snapshot = msgspec.json.decode(body, type=SnapshotManifest)
    packed = files.read_lake(snapshot.file_key)
    if packed is None or sha256(packed).hexdigest() != snapshot.file_sha256:
        raise CorruptArtifactError(f"{snapshot.file_key} does not have the checksum that {prefix}snapshot.json names")
    return True
