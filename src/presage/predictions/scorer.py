"""Scores entries with one version of a model: feature vectors from the snapshot, then the compiled model, all rows in one run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.predictions.basis import Source
from presage.predictions.explanation import explain_score
from presage.predictions.exploration import explore
from presage.predictions.layout import FeatureLayout
from presage.predictions.loaded_model import LoadedModel
from presage.predictions.narrowing import Narrowing
from presage.predictions.request import Query
from presage.predictions.response import Explained, ItemsExplanation, MarginExplanation, RowExplanation
from presage.predictions.snapshot import FloatArray, Snapshot
from presage.training.artifact import ModelArtifact

BoolArray = npt.NDArray[np.bool_]
FIXED_BYTES = 30_000
"""An allowance for manifests, specification and layout: 8 kB were measured with three features."""
TEXT_BYTES = 60
"""What a short string takes beside its characters."""


class Scored(msgspec.Struct, frozen=True):
    """One entry scored. `items` names the rows of a ranking as shown, cut to the list's length; empty otherwise.

    `propensities` are there if the list was explored, one an item.

    Shape: `probabilities` (rows, classes), `values` (rows, columns).
    """

    items: tuple[str, ...]
    probabilities: FloatArray
    values: FloatArray
    entity_found: bool
    propensities: tuple[float, ...] | None = None


class Chosen(msgspec.Struct, frozen=True):
    """What rows are answered: a class or a value each, and its score. `probabilities` by class are there of more than two classes."""

    predictions: list[str | float]
    scores: list[float]
    probabilities: list[Mapping[str, float]]


class _Block(msgspec.Struct, frozen=True):
    items: tuple[str, ...]
    values: FloatArray
    entity_found: bool
    query: Query


class Scorer:
    """One version of a model, ready to answer. Immutable, so that threads share it and a swap is one assignment."""

    def __init__(
        self,
        artifact: ModelArtifact,
        model: LoadedModel,
        snapshot: Snapshot,
        *,
        stale_after_seconds: float = math.inf,
        source: Source | None = None,
    ) -> None:
        """Take the parts; looks the snapshot's own candidates up once. An older snapshot than `stale_after_seconds` is used, as stale.

        `source` is where the parts are from, for the log; None if no answer of theirs is logged.

        Raises:
            CorruptArtifactError: The parts do not belong together.
        """
        self.artifact = artifact
        self.snapshot = snapshot
        self.stale_after_seconds = stale_after_seconds
        self.source = source
        self._model = model
        self._layout = FeatureLayout(artifact)
        self.column_names = msgspec.json.encode(artifact.columns)
        self._ranking = artifact.spec.kind == "ranking"
        self._items = self._layout.read_items(snapshot, snapshot.candidates)

    @property
    def nbytes(self) -> int:
        """Return about how much memory the version takes beside its snapshot, which is mapped from the disk."""
        texts = (*self.snapshot.candidates, *self.artifact.baseline)
        return FIXED_BYTES + self._model.nbytes + self._items.nbytes + sum(TEXT_BYTES + len(text) for text in texts)

    def score(self, queries: Sequence[Query]) -> list[Scored]:
        """Return one `Scored` per query, in order, from a single run of the model.

        Raises:
            CorruptArtifactError: The model fails or gives something that is not finite.
        """
        blocks = [self._build_block(query) for query in queries]
        if len(blocks) == 1:
            return [self._cut(blocks[0], self._model.run(blocks[0].values))]
        sizes = [len(block.values) for block in blocks]
        rows = np.concatenate([block.values for block in blocks])
        probabilities = self._model.run(rows)
        ends = np.cumsum(sizes)
        return [self._cut(block, probabilities[end - size : end]) for block, end, size in zip(blocks, ends, sizes, strict=True)]

    def score_rows(
        self, entity_ids: Sequence[str], given: Sequence[Mapping[str, float]], predicted_for: datetime
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return what `score` does, of a model that ranks nothing: probabilities, feature vectors, and whether each entity is known.

        `given` are each row's raw values, if there are any; without `entity_ids` they are all that there is.

        Shape: (rows, classes), (rows, columns), (rows,).

        Raises:
            CorruptArtifactError: The model fails or gives something that is not finite, or lacks a column that is given.
        """
        if entity_ids:
            values, found = self._layout.read_entities(self.snapshot, entity_ids)
        else:
            values, found = self._layout.read_nobody(len(given)), np.zeros(len(given), dtype=np.bool_)
        self._layout.turn_into_days(values, predicted_for)
        for row, overriding in enumerate(given):
            if overriding:
                self._layout.override(values[row : row + 1], overriding)
        self._layout.derive(values, predicted_for)
        return self._model.run(values), values, found

    def choose(self, probabilities: FloatArray) -> Chosen:
        """Return what rows of a model that ranks nothing are answered.

        The score is the probability of the second of two classes, of the chosen one of more, or the value itself.
        """
        classes = self.artifact.classes
        if not classes:
            values = probabilities[:, 0].tolist()
            return Chosen(values, values, [])
        winners = probabilities.argmax(axis=1).tolist()
        predictions: list[str | float] = [classes[winner] for winner in winners]
        if len(classes) == 2:  # noqa: PLR2004 - the second says all
            return Chosen(predictions, probabilities[:, 1].tolist(), [])
        by_class: list[Mapping[str, float]] = [dict(zip(classes, row, strict=True)) for row in probabilities.tolist()]
        return Chosen(predictions, probabilities.max(axis=1).tolist(), by_class)

    def order(self, query: Query) -> tuple[str, ...]:
        """Return all items that a ranking may show, best first: what `score` cuts its list from.

        Raises:
            CorruptArtifactError: As for `score`, or the version lacks a column that the query names.
        """
        block = self._build_block(query)
        return tuple(block.items[row] for row in rank(block.items, self._model.run(block.values)[:, -1])) if block.items else ()

    def read_from(self, snapshot: Snapshot) -> Scorer:
        """Return this version on another snapshot's values: what it would have answered from them."""
        return Scorer(self.artifact, self._model, snapshot, stale_after_seconds=self.stale_after_seconds)

    def describe(self, scored: Scored) -> Mapping[str, object]:
        """Return the feature vector as JSON-able values: by column, or for a ranking by column and by shown item and column."""
        return self._name(scored.items, scored.values)

    def name_row(self, row: FloatArray) -> Mapping[str, object]:
        """Return one row of `score_rows` by column, as JSON-able values."""
        return self._layout.name_values(row)

    def explain(self, scored: Scored) -> Explained | None:
        """Return what made the scores, by column; for a ranking, by shown item. None if they are of more than two classes.

        Off the hot path: only when asked for.
        """
        parts = [self._explain_row(row) for row in scored.values]
        explained = [part for part in parts if part is not None]
        if len(explained) < len(parts):
            return None
        return ItemsExplanation(dict(zip(scored.items, explained, strict=True))) if self._ranking else explained[0]

    def _explain_row(self, row: FloatArray) -> RowExplanation | None:
        margin = self._model.explain(row)
        score = explain_score(margin)
        if score is None:
            return None
        by_column, of_margin = (
            dict(zip(self._layout.columns, values.tolist(), strict=True)) for values in (score.contributions, margin.contributions[-1])
        )
        return RowExplanation(score.base, by_column, MarginExplanation(margin.scale, margin.base.item(-1), of_margin))

    def filter_items(self, items: tuple[str, ...], query: Query) -> tuple[str, ...]:
        """Return those of `items` that the query's exclusions and filters leave.

        Raises:
            CorruptArtifactError: The version lacks a column that is filtered by.
        """
        return self._build_block(msgspec.structs.replace(query, candidates=items)).items

    def look_up(self, query: Query, items: tuple[str, ...]) -> Mapping[str, object]:
        """Return what `describe` would have, for an answer that the model did not give; `items` are the shown ones."""
        block = self._build_block(msgspec.structs.replace(query, candidates=items) if self._ranking else query)
        return self._name(items, block.values)

    def _name(self, items: tuple[str, ...], values: FloatArray) -> Mapping[str, object]:
        if not self._ranking:
            return self._layout.name_values(values[0])
        entity = self._layout.name_values(values[0], join="entity") if len(values) else {}
        rows = zip(items, values, strict=True)
        return {"entity": entity, "items": {item: self._layout.name_values(row, join="item") for item, row in rows}}

    def _build_block(self, query: Query) -> _Block:
        entity, found = self._layout.read_entity(self.snapshot, query.entity_id)
        items: tuple[str, ...] = ()
        values = entity[np.newaxis]
        if self._ranking:
            items, values = self._read_candidates(query)
            values[:, self._layout.entity_columns] = entity[self._layout.entity_columns]
        self._layout.turn_into_days(values, query.predicted_for)
        if query.narrowing is not None:
            self._layout.derive(values, query.predicted_for)  # filters are of looked-up values, and of what is derived of them
            items, values = self._narrow(query.narrowing, items, values)
        self._layout.override(values, query.values)
        self._layout.derive(values, query.predicted_for)
        return _Block(items, values, found, query)

    def _narrow(self, narrowing: Narrowing, items: tuple[str, ...], values: FloatArray) -> tuple[tuple[str, ...], FloatArray]:
        kept = narrowing.choose(items, lambda name: self._layout.get_column(values, name))
        return tuple(items[row] for row in kept), values[kept]

    def _read_candidates(self, query: Query) -> tuple[tuple[str, ...], FloatArray]:
        if query.candidates is not None:
            return query.candidates, self._layout.read_items(self.snapshot, query.candidates)
        if not self.snapshot.candidates:
            raise CorruptArtifactError(f"Snapshot {self.snapshot.manifest.snapshot_id} has no candidates to rank")
        return self.snapshot.candidates, self._items.copy()

    def _cut(self, block: _Block, probabilities: FloatArray) -> Scored:
        if not self._ranking:
            return Scored((), probabilities, block.values, block.entity_found)
        order, propensities = rank(block.items, probabilities[:, -1]), None
        if block.query.exploration is not None:
            ranked = [block.items[row] for row in order]
            draw = explore(block.query.exploration, ranked, length=self.artifact.spec.list_length, seed=block.query.seed)
            order, propensities = [order[place] for place in draw.places], draw.propensities
        order = order[: self.artifact.spec.list_length]
        items = tuple(block.items[row] for row in order)
        return Scored(items, probabilities[order], block.values[order], block.entity_found, propensities)


def rank(items: Sequence[str], scores: FloatArray) -> list[int]:
    """Return positions by falling score; equal scores by item id."""
    return sorted(range(len(items)), key=lambda row: (-scores[row], items[row]))
