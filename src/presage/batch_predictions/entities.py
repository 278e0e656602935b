"""Whom a batch prediction asks about: entities of a dataset, of an uploaded file, or all that the snapshot knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from presage.batch_predictions.order import EntitySource
from presage.errors import CorruptArtifactError, InvalidInputError
from presage.jobs.arguments import FileFormat
from presage.training.artifact import ModelArtifact
from presage.training.model import ModelVersion
from presage.training.runs import Checkpoint
from presage.training.use_cases import BuildPorts

FORMATS: dict[FileFormat, str] = {"csv": "csv", "tsv": "tsv", "parquet": "parquet", "ndjson": "ndjson"}


@dataclass(frozen=True, slots=True)
class DatasetEntities:
    """All entities of a dataset's newest version when the job begins."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class UploadedEntities:
    """The values of one column of an uploaded file."""

    key: str
    format: FileFormat
    column: str


@dataclass(frozen=True, slots=True)
class SnapshotEntities:
    """All entities that the version's snapshot has values of."""

    kind: Literal["snapshot"] = "snapshot"


EntityChoice = DatasetEntities | UploadedEntities | SnapshotEntities


def find_entities(
    choice: EntityChoice, version: ModelVersion, artifact: ModelArtifact, *, ports: BuildPorts, state: Checkpoint
) -> EntitySource:
    """Return the files that name the entities; a dataset's version is pinned at the first try.

    Raises:
        InvalidInputError: The dataset has no records yet, or the model has no features of entities that a snapshot could know.
        CorruptArtifactError: The snapshot lacks its list of files.
    """
    if isinstance(choice, UploadedEntities):
        return EntitySource(FORMATS[choice.format], choice.column, (choice.key,), f"upload {choice.key.rpartition('/')[2]}")
    if isinstance(choice, SnapshotEntities):
        return _list_snapshot(version, artifact, ports)
    pinned = state.get("dataset_version")
    head = ports.feature_sets.find_version(version.workspace_id, choice.dataset_id, pinned if isinstance(pinned, int) else None)
    if head is None:
        raise InvalidInputError("The dataset has no records yet", path="$.dataset_id")
    state.put(0.02, "input pinned", {"dataset_version": head.version})
    described = f"dataset {head.dataset.name} version {head.version}"
    return EntitySource("parquet", "entity_id", tuple(part.key for part in head.parts), described)


def _list_snapshot(version: ModelVersion, artifact: ModelArtifact, ports: BuildPorts) -> EntitySource:
    folder = version.snapshot_key.rpartition("/")[0] + "/"
    body = ports.files.read_lake(f"{folder}manifest.json")
    if body is None:
        raise CorruptArtifactError(f"{folder}manifest.json is not there")
    raw: dict[str, Any] = msgspec.json.decode(body)
    of_entities = {view.name for view in artifact.spec.feature_views if view.join == "entity"}
    if not of_entities:
        raise InvalidInputError("The model has no features of entities: name a dataset or a file", path="$.dataset_id")
    keys = tuple(folder + file["key"] for file in raw["files"] if file["view"] in of_entities)
    return EntitySource("parquet", "join_key", keys, f"snapshot {folder.rstrip('/').rpartition('/')[2]}")
