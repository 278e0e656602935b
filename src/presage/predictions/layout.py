"""Where each feature stands in a model's input, and how stored values become the values that training saw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.predictions.snapshot import FloatArray, Snapshot
from presage.training.artifact import ModelArtifact
from presage.training.derived import Program
from presage.training.recipe import to_microseconds
from presage.training.spec import FeatureView, Join, derived_columns, feature_columns, item_columns

DAY_US = 86_400_000_000.0


@dataclass(frozen=True, slots=True)
class _ViewSlice:
    view: FeatureView
    columns: slice
    absent: FloatArray
    """What training sees for a key without records: counts are 0, all else is null."""


class FeatureLayout:
    """The columns of one model artifact: by view, by join, and which of them are times."""

    def __init__(self, artifact: ModelArtifact) -> None:
        """Derive the layout from the artifact's spec.

        Raises:
            CorruptArtifactError: Columns do not match the spec.
        """
        if artifact.columns != feature_columns(artifact.spec):
            raise CorruptArtifactError(f"Version {artifact.version} of {artifact.model_id}: columns do not match its spec")
        self.columns = artifact.columns
        self._position = {name: position for position, name in enumerate(artifact.columns)}
        self._views = tuple(_slice_views(artifact.spec.feature_views))
        functions = [feature.function for view in artifact.spec.feature_views for feature in view.features]
        self._times = np.flatnonzero([function.startswith("days_since_") for function in functions])
        of_items = set(item_columns(artifact.spec))
        self._entity_views = tuple(part for part in self._views if part.view.join == "entity")
        self._nobody = np.full(len(self.columns), np.nan)
        for part in self._entity_views:
            self._nobody[part.columns] = part.absent
        self.entity_columns: npt.NDArray[np.bool_] = np.array([name not in of_items for name in self.columns], dtype=np.bool_)
        self._derived = slice(len(self.columns) - len(derived_columns(artifact.spec)), len(self.columns))
        self._program = Program(artifact.spec) if artifact.spec.derived else None
        self._needed = [self._position[name] for name in self._program.needed] if self._program else []

    def read_entity(self, snapshot: Snapshot, entity_id: str | None) -> tuple[FloatArray, bool]:
        """Return the stored values of the entity's views, and whether the snapshot knows the entity.

        Shape: (columns,), NaN in the columns of item views.
        """
        values, found = self._nobody.copy(), False
        if entity_id is None:
            return values, found
        for part in self._entity_views:
            row = snapshot.find_row(part.view.name, entity_id, width=len(part.absent))
            if row is not None:
                values[part.columns] = row
                found = True
        return values, found

    def read_entities(self, snapshot: Snapshot, entity_ids: Sequence[str]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return what `read_entity` does of each entity, read at once. Shape: (entities, columns); (entities,)."""
        if len(entity_ids) == 1:
            values, known = self.read_entity(snapshot, entity_ids[0])
            return values[np.newaxis], np.array([known])
        rows = np.empty((len(entity_ids), len(self.columns)))
        rows[:] = self._nobody
        found = np.zeros(len(entity_ids), dtype=np.bool_)
        for part in self._entity_views:
            stored, known_rows = snapshot.read_view(part.view.name, entity_ids, width=len(part.absent))
            rows[:, part.columns] = stored if known_rows.all() else np.where(known_rows[:, np.newaxis], stored, part.absent)
            found |= known_rows
        return rows, found

    def read_nobody(self, count: int) -> FloatArray:
        """Return the values of so many rows without an entity. Shape: (count, columns)."""
        return np.tile(self._nobody, (count, 1))

    def read_items(self, snapshot: Snapshot, items: Sequence[str]) -> FloatArray:
        """Return the stored values of the items' views. Shape: (items, columns), NaN in the columns of entity views."""
        values = np.full((len(items), len(self.columns)), np.nan)
        for part in self._views:
            if part.view.join == "item":
                rows, known = snapshot.read_view(part.view.name, items, width=len(part.absent))
                values[:, part.columns] = np.where(known[:, np.newaxis], rows, part.absent)
        return values

    def turn_into_days(self, values: FloatArray, predicted_for: datetime) -> None:
        """Replace event times (seconds since the epoch) in `values` by days before `predicted_for`, to the bit as training counts them.

        Training counts whole microseconds, which rounding finds again in seconds until the year 2106.
        """
        if len(self._times):
            values[:, self._times] = (to_microseconds(predicted_for) - np.rint(values[:, self._times] * 1e6)) / DAY_US

    def derive(self, values: FloatArray, predicted_for: datetime) -> None:
        """Fill the derived columns in from the others, once all of those are what they are to be."""
        if self._program is not None:
            columns = values[:, self._needed].T.tolist()
            derived = self._program.run(columns, [to_microseconds(predicted_for)] * len(values))
            values[:, self._derived] = np.array(derived).T

    def override(self, values: FloatArray, given: Mapping[str, float]) -> None:
        """Put the caller's raw values in the place of looked-up ones, in all rows.

        Raises:
            CorruptArtifactError: The version was not built from the model's spec: it lacks one of the columns.
        """
        if given:
            values[:, [self._locate(name) for name in given]] = list(given.values())

    def get_column(self, values: FloatArray, name: str) -> FloatArray:
        """Return the view of one column in all rows.

        Raises:
            CorruptArtifactError: The version was not built from the model's spec: it lacks the column.
        """
        return values[:, self._locate(name)]

    def _locate(self, name: str) -> int:
        position = self._position.get(name)
        if position is None:
            raise CorruptArtifactError(f"The version has no column {name!r}")
        return position

    def name_values(self, row: FloatArray, *, join: Join | None = None) -> dict[str, float | None]:
        """Return one row by column name, null for NaN; only the columns of views with that `join`, if given."""
        numbers = row.tolist()
        if join is None and not math.isnan(sum(numbers)):
            return dict(zip(self.columns, numbers, strict=True))
        wanted = np.ones(len(self.columns), dtype=np.bool_) if join is None else self.entity_columns == (join == "entity")
        pairs = zip(self.columns, numbers, wanted.tolist(), strict=True)
        return {name: None if value != value else value for name, value, keep in pairs if keep}  # noqa: PLR0124 - NaN is not itself


def _slice_views(views: Sequence[FeatureView]) -> list[_ViewSlice]:
    slices = []
    start = 0
    for view in views:
        end = start + len(view.features)
        absent = np.array([0.0 if feature.function == "count" else np.nan for feature in view.features])
        slices.append(_ViewSlice(view, slice(start, end), absent))
        start = end
    return slices
