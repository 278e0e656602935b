"""Models, their versions and aliases: what is registered, and which version serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.listing import ListShape
from presage.training.spec import ModelSpec

MODEL_LIST = ListShape("model_id", sorts=("name", "created_at"), searched=("name",))
Alias = Literal["staging", "production"]
Traffic = Literal["model", "default", "popularity"]
Promotion = Literal["always", "if_better"]
DefaultAnswer = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A stable name that callers use. `default` is answered when no version can: a class, a number, or a list of item ids."""

    workspace_id: str
    model_id: str
    name: str
    spec: ModelSpec
    default: DefaultAnswer
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ListedModel(Model):
    """A model as lists show it; `last_version` is the highest number that a build was given, 0 before the first."""

    last_version: int


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One trained version. `artifact_key` and `snapshot_key` name JSON manifests in the artifacts bucket and the lake.

    `metrics` holds `{"model": {...}, "baseline": {...}, "rows": {...}}` as the trainer wrote it.
    """

    workspace_id: str
    model_id: str
    version: int
    training_set_id: str
    artifact_key: str
    snapshot_key: str
    metrics: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionSnapshot:
    """One entry of a version's append-only history of snapshots beside the one that it was built with; the newest serves.

    `snapshot_key` is as a version's; its values hold as of `as_of`.
    """

    workspace_id: str
    model_id: str
    version: int
    snapshot_key: str
    as_of: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One entry of an alias's append-only history; the newest says what serves now.

    `traffic="default"` answers every call with the model's default, `"popularity"` with the version's popularity list (a concluded
    rollback to what the experiment's control got).
    """

    workspace_id: str
    model_id: str
    alias: Alias
    version: int
    traffic: Traffic
    reason: str
    moved_at: datetime
