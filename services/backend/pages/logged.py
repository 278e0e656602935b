"""A logged prediction as its page tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from presage.errors import NotFoundError, PresageError
from presage.experiments.model import Experiment
from presage.predictions.origins import LoggedValue, list_values
from presage.predictions.outcomes import Outcome, find_outcome
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.replay import Replay
from presage.tenancy.permissions import authorise
from presage.training.recipe import Recipe, from_microseconds
from services.backend.context import get_ports, get_user
from services.backend.pages.charts import Chart, draw_explanation
from services.backend.tracing import find_recipe_of_values, trace_entry
from services.backend.views import PredictionLineage


@dataclass(frozen=True, slots=True)
class Logged:
    """What a prediction's page shows beside the entry itself.

    `lineage` is None where it cannot be told, which `untraced` says; `snapshot_of` is when the values that were looked up were true.
    """

    values: Sequence[LoggedValue]
    charts: Sequence[Chart]
    experiment: Experiment | None
    lineage: PredictionLineage | None
    untraced: str
    snapshot_of: datetime | None
    cutoff: datetime | None


def get_entry(prediction_id: str) -> PredictionLogEntry:
    """Return a prediction of the visitor's workspace.

    Raises:
        ForbiddenError: The visitor lacks `rows.read`.
        NotFoundError: The log has no such prediction.
    """
    return get_ports().predictions.get_prediction(authorise(get_user(), "rows.read"), prediction_id)


def read_logged(entry: PredictionLogEntry, replay: Replay | None) -> Logged:
    """Return all that the log, the registries and the lake tell of a prediction; what is gone is told as gone."""
    recipe, lineage, untraced = _trace(entry)
    age: Any = entry.result.get("snapshot_age_seconds")
    explanation: Any = entry.result.get("explanation")
    if explanation is None and replay is not None and replay.explanation is not msgspec.UNSET:
        explanation = msgspec.to_builtins(replay.explanation)
    return Logged(
        values=list_values(entry, recipe),
        charts=draw_explanation(explanation),
        experiment=_find_experiment(entry),
        lineage=lineage,
        untraced=untraced,
        snapshot_of=None if age is None else entry.predicted_for - timedelta(seconds=age),
        cutoff=None if recipe is None else from_microseconds(recipe.cutoff_us),
    )


def read_outcome(entry: PredictionLogEntry) -> Outcome | None:
    """Return what came of it by the primary metric of its experiment, None if it was in none that is known."""
    experiment, ports = _find_experiment(entry), get_ports()
    if experiment is None:
        return None
    return find_outcome(entry, experiment.plan.primary, datasets=ports.datasets, feature_sets=ports.feature_sets)


def _trace(entry: PredictionLogEntry) -> tuple[Recipe | None, PredictionLineage | None, str]:
    try:
        return find_recipe_of_values(entry), trace_entry(entry), ""
    except PresageError as error:
        return None, None, str(error)


def _find_experiment(entry: PredictionLogEntry) -> Experiment | None:
    if entry.experiment_id is None:
        return None
    try:
        return get_ports().experiments.get_experiment(entry.workspace_id, entry.experiment_id)
    except NotFoundError:
        return None
