"""One pass over the parts of a version, and two more when record ids come twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from presage.errors import CorruptArtifactError
from presage.features.dataset import Column
from presage.features.ports import ProfileStore
from presage.features.profiling.hashing import Hashes
from presage.features.profiling.pieces import Piece, build_arrow_schema, read_pieces
from presage.features.profiling.state import ProfileState
from presage.features.records import KNOWN_TIMESTAMP, FeatureSetVersion, Part

LANES = 2
"""Parts are read in so many runs at once. A constant, as it decides the order of sums: the same version gives the same bytes anywhere."""

LeftOut = Mapping[str, NDArray[np.int64]]


def scan_version(version: FeatureSetVersion, *, store: ProfileStore, sample_rows: int) -> ProfileState:
    """Return the state of a version's rows, one per record id: the earliest known; of equally early ones, that of the first part.

    Ids are told apart by 64-bit hashes: of 10 M records two are taken for one with a probability of 3 in a million.

    Raises:
        CorruptArtifactError: A part is not what the manifest says.
        UnavailableError: The lake did not answer.
    """
    state, hashes = _scan(version, store, sample_rows, {})
    repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not repeated.size:
        return state
    del hashes
    return _scan(version, store, sample_rows, find_superseded(version.parts, repeated, store=store))[0]


def find_superseded(parts: Sequence[Part], repeated: Hashes, *, store: ProfileStore) -> LeftOut:
    """Return by part's key the places of rows whose record came earlier. `repeated`: hashes of ids with several rows, ascending."""
    hashes, knowns, numbers, places = [], [], [], []
    schema = build_arrow_schema(()).remove(1).remove(1)  # record_id, known_timestamp
    for number, part in enumerate(parts):
        begin = 0
        for piece in read_pieces([(store.read_part(part), None)], schema):
            where = np.minimum(np.searchsorted(repeated, piece.hashes), repeated.size - 1)
            found = np.flatnonzero(repeated[where] == piece.hashes)
            hashes.append(piece.hashes[found])
            knowns.append(piece.rows.column(KNOWN_TIMESTAMP).to_numpy().astype(np.int64)[found])
            numbers.append(np.full(found.size, number, dtype=np.int64))
            places.append(found + begin)
            begin += piece.rows.num_rows
    ids, number_of, place_of = np.concatenate(hashes), np.concatenate(numbers), np.concatenate(places)
    order = np.lexsort((place_of, number_of, np.concatenate(knowns), ids))
    later = order[1:][ids[order[1:]] == ids[order[:-1]]]
    return {part.key: np.sort(place_of[later[number_of[later] == number]]) for number, part in enumerate(parts)}


def split_evenly(parts: Sequence[Part], lanes: int) -> list[list[Part]]:
    """Return the parts in so many runs, in their order, of about as many rows each."""
    runs: list[list[Part]] = [[] for _ in range(lanes)]
    total, seen = max(sum(part.rows for part in parts), 1), 0
    for part in parts:
        runs[min(seen * lanes // total, lanes - 1)].append(part)
        seen += part.rows
    return runs


def _scan(version: FeatureSetVersion, store: ProfileStore, sample_rows: int, left_out: LeftOut) -> tuple[ProfileState, Hashes]:
    """Return the state of all rows but those left out, and the hashes of their record ids, ascending."""
    runs = split_evenly(version.parts, LANES)
    hashes = np.empty(sum(part.rows for part in version.parts), dtype=np.uint64)
    begins = np.cumsum([0, *(sum(part.rows for part in run) for run in runs)])
    places = [hashes[begin:end] for begin, end in itertools.pairwise(begins)]

    def scan(run: Sequence[Part], place: Hashes) -> ProfileState:
        state = ProfileState(version.dataset.columns, sample_rows=sample_rows)
        for piece in _read_run(run, version.dataset.columns, store, left_out):
            if state.rows + piece.hashes.size > place.size:
                raise CorruptArtifactError(
                    f"parts of dataset {version.dataset.dataset_id} hold more rows than version {version.version} says"
                )
            place[state.rows : state.rows + piece.hashes.size] = piece.hashes
            state.add(piece.rows, piece.hashes)
        place[: state.rows].sort()
        return state

    with ThreadPoolExecutor(LANES) as pool:
        states = list(pool.map(scan, runs, places))
    found = _close_gaps(hashes, begins, [state.rows for state in states])
    for other in states[1:]:
        states[0].merge(other)
    found.sort(kind="stable")  # ascending runs: a merge
    return states[0], found


def _close_gaps(hashes: Hashes, begins: NDArray[np.int64], filled: Sequence[int]) -> Hashes:
    """Return what was filled in, side by side, in the same memory."""
    end = 0
    for begin, rows in zip(begins, filled, strict=False):
        if begin != end:
            hashes[end : end + rows] = hashes[begin : begin + rows].copy()
        end += rows
    return hashes[:end]


def _read_run(parts: Sequence[Part], columns: Sequence[Column], store: ProfileStore, left_out: LeftOut) -> Iterator[Piece]:
    bodies = ((store.read_part(part), left_out.get(part.key)) for part in parts)
    return read_pieces(bodies, build_arrow_schema(columns))
