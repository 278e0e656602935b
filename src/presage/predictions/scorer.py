"""Scores entries with one version of a model: feature vectors from the snapshot, then the network, all rows in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.predictions.layout import FeatureLayout
from presage.predictions.network import Network
from presage.predictions.request import Query
from presage.predictions.snapshot import FloatArray, Snapshot
from presage.training.artifact import ModelArtifact


@dataclass(frozen=True, slots=True)
class Scored:
    """One entry scored. `items` names the rows of a ranking, best first and cut to the list's length; empty otherwise.

    Shape: `probabilities` (rows, classes), `values` (rows, columns) before null values were filled.
    """

    items: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]
    values: FloatArray
    entity_found: bool


@dataclass(frozen=True, slots=True)
class _Block:
    items: tuple[str, ...]
    values: FloatArray
    entity_found: bool


class Scorer:
    """One version of a model, ready to answer. Immutable, so that threads share it and a swap is one assignment."""

    def __init__(self, artifact: ModelArtifact, network: Network, snapshot: Snapshot) -> None:
        """Take the parts; looks the snapshot's own candidates up once.

        Raises:
            CorruptArtifactError: The parts do not belong together.
        """
        self.artifact = artifact
        self.snapshot = snapshot
        self._network = network
        self._layout = FeatureLayout(artifact)
        self._ranking = artifact.spec.kind == "ranking"
        self._items = self._layout.read_items(snapshot, snapshot.candidates)

    def score(self, queries: Sequence[Query]) -> list[Scored]:
        """Return one `Scored` per query, in order, from a single run of the network.

        Raises:
            CorruptArtifactError: The network fails or gives something that is no probability.
        """
        blocks = [self._build_block(query) for query in queries]
        sizes = [len(block.values) for block in blocks]
        rows = np.concatenate([block.values for block in blocks])
        probabilities = self._network.run(self._layout.fill(rows))
        ends = np.cumsum(sizes)
        return [self._cut(block, probabilities[end - size : end]) for block, end, size in zip(blocks, ends, sizes, strict=True)]

    def describe(self, scored: Scored) -> Mapping[str, object]:
        """Return the feature vector as JSON-able values: by column, or for a ranking by column and by shown item and column."""
        return self._name(scored.items, scored.values)

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
        values = entity[np.newaxis].copy()
        if self._ranking:
            items, values = self._read_candidates(query)
            values[:, self._layout.entity_columns] = entity[self._layout.entity_columns]
        self._layout.turn_into_days(values, query.predicted_for)
        self._layout.override(values, query.values)
        return _Block(items, values, found)

    def _read_candidates(self, query: Query) -> tuple[tuple[str, ...], FloatArray]:
        if query.candidates is not None:
            return query.candidates, self._layout.read_items(self.snapshot, query.candidates)
        if not self.snapshot.candidates:
            raise CorruptArtifactError(f"Snapshot {self.snapshot.manifest.snapshot_id} has no candidates to rank")
        return self.snapshot.candidates, self._items.copy()

    def _cut(self, block: _Block, probabilities: npt.NDArray[np.float32]) -> Scored:
        if not self._ranking:
            return Scored((), probabilities, block.values, block.entity_found)
        order = rank(block.items, probabilities[:, -1])[: self.artifact.spec.list_length]
        return Scored(tuple(block.items[row] for row in order), probabilities[order], block.values[order], block.entity_found)


def rank(items: Sequence[str], scores: npt.NDArray[np.float32]) -> list[int]:
    """Return positions by falling score; equal scores by item id."""
    return sorted(range(len(items)), key=lambda row: (-scores[row], items[row]))
