"""Counts the distributions that a version is trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from presage.training.reference import FORMAT, PREDICTION, Reference, build_column_reference
from presage.training.spec import item_columns
from services.trainer.fitting import Fitted
from services.trainer.training_data import Rows, TrainingData

TWO_CLASSES = 2


def build_reference(data: TrainingData, judged: Fitted) -> Reference:
    """Return the distributions of the features and, unless the model ranks, of the scores: what serving logs as such.

    A ranking's item features and scores are left out: which items are scored online is not what was sampled for training.
    """
    spec = data.recipe.spec
    latest = _find_latest(data.labelled)
    items = set(item_columns(spec))
    columns = [
        build_column_reference(name, data.labelled.features[latest, place]) for place, name in enumerate(data.columns) if name not in items
    ]
    if spec.kind != "ranking":
        answers = judged.predict(data.test.features[_find_latest(data.test)])
        scores = answers.max(axis=1) if answers.shape[1] > TWO_CLASSES else answers[:, -1]
        columns.append(build_column_reference(PREDICTION, scores))
    return Reference(FORMAT, data.training_set_id, tuple(columns))


def _find_latest(rows: Rows) -> npt.NDArray[np.int64]:
    """Return the last row of each entity; rows are in the order of their observations."""
    latest = np.full(int(rows.entities.max()) + 1, -1)
    latest[rows.entities] = np.arange(len(rows.entities))
    return latest
