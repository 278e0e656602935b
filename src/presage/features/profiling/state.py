"""All that is kept of a version's rows while they go by, a piece at a time. Two states can be merged into that of all their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from presage.features.dataset import Column
from presage.features.profiling.columns import BooleanColumn, NumberColumn, OrderedColumn, TextColumn
from presage.features.profiling.distinct import DistinctCount
from presage.features.profiling.hashing import Hashes, hash_texts
from presage.features.profiling.quantiles import Numbers
from presage.features.profiling.relations import Relations
from presage.features.profiling.sampling import CLASSES_AT_MOST, Classes, StratifiedSample
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP

CORRELATED_COLUMNS = 32
"""Of the numbers and booleans of a dataset, so many are correlated, the first ones: the cost grows with the square."""
_SECOND = 1e-6


class ProfileState:
    """Grain of what is added: one row per record."""

    def __init__(self, columns: Sequence[Column], *, sample_rows: int) -> None:
        """Start empty."""
        self.rows = 0
        self.entities = DistinctCount()
        self.event, self.known, self.delay = OrderedColumn(), OrderedColumn(), OrderedColumn()
        self.numbers = {column.name: NumberColumn() for column in columns if column.type == "number"}
        self.texts = {column.name: TextColumn() for column in columns if column.type == "string"}
        self.booleans = {column.name: BooleanColumn() for column in columns if column.type == "boolean"}
        self.correlated = [column.name for column in columns if column.type != "string"][:CORRELATED_COLUMNS]
        self.relations = Relations(len(self.correlated))
        self.sample = StratifiedSample(sample_rows)

    def add(self, rows: Any, hashes: Hashes) -> None:  # noqa: ANN401 - Arrow has no types
        """Add a record batch with the columns of a part, and the hashes of its record ids."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        self._add_entities(rows.column(ENTITY_ID))
        self._add_instants(rows)
        matrix, present = np.zeros((len(self.correlated), rows.num_rows)), np.ones((len(self.correlated), rows.num_rows), dtype=np.bool_)
        classes: dict[str, Classes | None] = {}
        for name in (*self.numbers, *self.booleans):
            values, is_there = _read_numbers(rows.column(name))
            classes[name] = self._add_number(name, values, is_there) if name in self.numbers else self._add_boolean(name, values, is_there)
            if name in self.correlated:
                place = self.correlated.index(name)
                matrix[place], present[place] = values, True if is_there is None else is_there
        for name, text in self.texts.items():
            classes[name] = _classify_texts(text.add(rows.column(name)))
        self.relations.add(matrix, present)
        self.sample.add(rows, hashes, classes)

    def merge(self, other: ProfileState) -> None:
        """Add all rows of `other`, which is of the same columns and sample size."""
        self.rows += other.rows
        self.entities.merge(other.entities)
        for mine, others in ((self.event, other.event), (self.known, other.known), (self.delay, other.delay)):
            mine.merge(others)
        for name, number in self.numbers.items():
            number.merge(other.numbers[name])
        for name, text in self.texts.items():
            text.merge(other.texts[name])
        for name, boolean in self.booleans.items():
            boolean.merge(other.booleans[name])
        self.relations.merge(other.relations)
        self.sample.merge(other.sample)

    def _add_entities(self, entities: Any) -> None:  # noqa: ANN401 - Arrow has no types
        self.entities.add(hash_texts(entities.dictionary if hasattr(entities, "dictionary") else entities))

    def _add_instants(self, rows: Any) -> None:  # noqa: ANN401 - Arrow has no types
        event, known = (_read_instants(rows.column(name)) for name in (EVENT_TIMESTAMP, KNOWN_TIMESTAMP))
        self.event.add_sorted(np.sort(event))
        self.known.add_sorted(np.sort(known))
        self.delay.add_sorted(np.sort((known - event) * _SECOND))

    def _add_number(self, name: str, values: Numbers, is_there: NDArray[np.bool_] | None) -> Classes | None:
        found = values if is_there is None else values[is_there]
        different = self.numbers[name].add(found, nulls=values.size - found.size)
        if different.size > CLASSES_AT_MOST:
            return None
        codes = np.searchsorted(different, values).astype(np.int64)
        return Classes(different.tolist(), codes if is_there is None else np.where(is_there, codes, -1))

    def _add_boolean(self, name: str, values: Numbers, is_there: NDArray[np.bool_] | None) -> Classes:
        true, nulls = int(values.sum()), 0 if is_there is None else int(values.size - is_there.sum())
        self.booleans[name].add(true=true, false=values.size - nulls - true, nulls=nulls)
        codes = values.astype(np.int64)
        return Classes((False, True), codes if is_there is None else np.where(is_there, codes, -1))


def _read_numbers(column: Any) -> tuple[Numbers, NDArray[np.bool_] | None]:  # noqa: ANN401 - Arrow has no types
    """Return the values, 0 for nulls, and where there are values (None: everywhere)."""
    numbers = column if pa.types.is_float64(column.type) else column.cast(pa.float64())
    if not column.null_count:
        return numbers.to_numpy(), None
    return pc.fill_null(numbers, 0.0).to_numpy(), pc.is_valid(column).to_numpy(zero_copy_only=False)


def _read_instants(column: Any) -> Numbers:  # noqa: ANN401 - Arrow has no types
    """Return microseconds since 1970, which float64 holds exactly until 2255."""
    values: Numbers = column.cast(pa.timestamp("us")).view(pa.int64()).to_numpy().astype(np.float64)
    return values


def _classify_texts(encoded: Any) -> Classes | None:  # noqa: ANN401 - Arrow has no types
    if encoded is None or len(encoded.dictionary) > CLASSES_AT_MOST:
        return None
    codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy()
    return Classes(encoded.dictionary.to_pylist(), codes)
