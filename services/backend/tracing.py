"""From versions and predictions back to the data that they were made from, as routes and pages show it."""

from __future__ import annotations

import msgspec

from presage.errors import NotFoundError
from presage.predictions.ports import PredictionLogEntry
from presage.training.lineage import VersionLineage, list_moves_until, trace_version
from presage.training.model import ModelVersion
from presage.training.recipe import RECIPE_FILE, Recipe, decode_recipe
from services.backend.context import get_ports
from services.backend.views import PredictionLineage


def trace_entry(entry: PredictionLogEntry) -> PredictionLineage:
    """Return what served when a prediction was made, and what the version that answered was made from.

    Raises:
        NotFoundError: The version, or the recipe of its training set, is there no more.
    """
    history = get_ports().versions.list_alias_moves(entry.workspace_id, entry.model_id, "production")
    in_production = next(iter(list_moves_until(history, entry.created_at)), None)
    traced = None if entry.model_version is None else trace_number(entry.workspace_id, entry.model_id, entry.model_version)
    answered_by = msgspec.convert(entry.result.get("answered_by"), str | None)
    return PredictionLineage(entry.prediction_id, entry.created_at, answered_by, in_production, traced)


def trace_number(workspace_id: str, model_id: str, version: int) -> VersionLineage:
    """Return what the version of that number was made from."""
    ports = get_ports()
    return trace_version(ports.versions.get_version(workspace_id, model_id, version), ports.recipes)


def find_recipe_of_values(entry: PredictionLogEntry) -> Recipe | None:
    """Return the recipe of the snapshot that a prediction's values were looked up in: which version of each dataset it was made of.

    None if none was read, the log does not say which (entries of before it did), or the recipe is there no more.
    """
    source, ports = entry.basis.values if entry.basis else None, get_ports()
    if source is None:
        return None
    try:
        version = ports.versions.get_version(entry.workspace_id, entry.model_id, source.version)
        if source.snapshot_key != version.snapshot_key:
            return decode_recipe(ports.replay.files.read_lake_manifest(_name_recipe(source.snapshot_key)))
    except NotFoundError:
        return None
    return _find_recipe_of_build(version)


def _name_recipe(snapshot_key: str) -> str:
    """Return where the recipe of a renewed snapshot is: beside it. That of the first one is the training set's."""
    return f"{snapshot_key.rpartition('/')[0]}/{RECIPE_FILE}"


def _find_recipe_of_build(version: ModelVersion) -> Recipe | None:
    return get_ports().recipes.find_recipe(version.workspace_id, version.training_set_id)
