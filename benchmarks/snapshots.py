"""Online snapshots of any size, built directly as the packed file that serving maps (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lmdb
import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.classifier import COLUMNS, Rows, build_rows
from presage.training.artifact import CANDIDATES_KEY, build_snapshot_key

VIEW = "profile"
CHUNK = 10_000
_SEED = 7_000
_ROOM_PER_ENTITY_BYTES = 512
_LEAST_ROOM_BYTES = 1 << 24


def entity_id(number: int) -> str:
    """Return the id of an entity, which sorts as its number does."""
    return f"customer-{number:08d}"


def build_values(numbers: npt.NDArray[np.int64]) -> Rows:
    """Return the features of these entities. Shape: (numbers, COLUMNS)."""
    values = np.empty((len(numbers), COLUMNS), dtype=np.float32)
    for chunk in np.unique(numbers // CHUNK):
        wanted = numbers // CHUNK == chunk
        values[wanted] = _build_chunk(int(chunk))[numbers[wanted] % CHUNK]
    return values


def choose_entities(count: int, *, entities: int) -> npt.NDArray[np.int64]:
    """Return numbers of entities, spread over all of them, so that a large file is not read in one place only."""
    return np.random.default_rng(_SEED).choice(entities, size=count, replace=count > entities)


def write_snapshot(path: Path, *, entities: int, stamp: str = "") -> None:
    """Write a snapshot file of so many entities. Files of different stamps differ: models of the same bytes would share their memory."""
    room = _LEAST_ROOM_BYTES + entities * _ROOM_PER_ENTITY_BYTES
    with lmdb.open(str(path), subdir=False, map_size=room, sync=False, lock=False) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(CANDIDATES_KEY, msgspec.json.encode([stamp]), append=True)
        for start in range(0, entities, 100 * CHUNK):
            with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                cursor.putmulti(_list_entries(start, min(entities, start + 100 * CHUNK)), append=True)


def _build_chunk(chunk: int) -> Rows:
    return build_rows(CHUNK, seed=_SEED + chunk)


def _list_entries(start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for first in range(start, end, CHUNK):
        body = _build_chunk(first // CHUNK).astype("<f8").tobytes()
        width = 8 * COLUMNS
        for number in range(first, min(end, first + CHUNK)):
            offset = (number - first) * width
            yield build_snapshot_key(VIEW, entity_id(number)), body[offset : offset + width]
