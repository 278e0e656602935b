"""Where a version comes from, and what served when: from a prediction back to the parts of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from presage.errors import NotFoundError
from presage.training.model import AliasMove, ModelVersion
from presage.training.ports import RecipeStore
from presage.training.recipe import InputPart, Recipe, from_microseconds
from presage.training.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class DatasetOrigin:
    """A dataset at the version that was pinned when the build began."""

    name: str
    dataset_id: str
    version: int
    rows: int
    parts: Sequence[InputPart]


@dataclass(frozen=True, slots=True)
class VersionLineage:
    """What a version was made from. Nothing known after `cutoff` was used; `code_version` is that of the rules for rows.

    `training_set_id` is the hash of all the rest, but for the keys of the version's own files.
    """

    model_id: str
    version: int
    built_at: datetime
    artifact_key: str
    snapshot_key: str
    training_set_id: str
    cutoff: datetime
    code_version: int
    spec: ModelSpec
    datasets: Sequence[DatasetOrigin]


def trace_version(version: ModelVersion, recipes: RecipeStore) -> VersionLineage:
    """Return what the version was made from.

    Raises:
        NotFoundError: The recipe of its training set is not in the lake any more.
        CorruptArtifactError: It is not the one of its id.
        UnavailableError: The lake did not answer.
    """
    recipe = recipes.find_recipe(version.workspace_id, version.training_set_id)
    if recipe is None:
        raise NotFoundError(f"The recipe of training set {version.training_set_id} is not in the lake any more")
    return VersionLineage(
        model_id=version.model_id,
        version=version.version,
        built_at=version.created_at,
        artifact_key=version.artifact_key,
        snapshot_key=version.snapshot_key,
        training_set_id=version.training_set_id,
        cutoff=from_microseconds(recipe.cutoff_us),
        code_version=recipe.code_version,
        spec=recipe.spec,
        datasets=_list_origins(recipe),
    )


def list_moves_until(history: Sequence[AliasMove], moment: datetime) -> Sequence[AliasMove]:
    """Return the moves up to `moment`, of a history with the newest first: the first of them was in force then."""
    return [move for move in history if move.moved_at <= moment]


def _list_origins(recipe: Recipe) -> Sequence[DatasetOrigin]:
    return [
        DatasetOrigin(name, dataset.dataset_id, dataset.version, sum(part.rows for part in dataset.parts), dataset.parts)
        for name, dataset in sorted(recipe.datasets.items())
    ]
