"""Strings of Arrow arrays as numbers: hashes of all at once, and the order of some."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_WORD = 8
_ROWS_AT_ONCE = 65_536
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def hash_strings(strings: Any) -> npt.NDArray[np.uint64]:  # noqa: ANN401 - an Arrow array
    """Return 64 bits of each string, the same in every process; null counts as empty. Not for what must resist an attacker."""
    flat = pc.fill_null(strings.combine_chunks() if isinstance(strings, pa.ChunkedArray) else strings, "").cast(pa.large_string())
    parts = [_hash(flat.slice(start, _ROWS_AT_ONCE)) for start in range(0, len(flat), _ROWS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _hash(strings: Any) -> npt.NDArray[np.uint64]:  # noqa: ANN401 - an Arrow array
    _, offsets, data = strings.buffers()
    bounds = np.frombuffer(offsets, np.int64)[strings.offset : strings.offset + len(strings) + 1]
    lengths = np.diff(bounds)
    shortest, longest = int(lengths.min()), int(lengths.max())
    width = max(_WORD, -(-longest // _WORD) * _WORD)
    padded = np.zeros((len(strings), width), np.uint8)
    if data is not None and shortest == longest > 0:
        padded[:, :longest] = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].reshape(-1, longest)
    elif data is not None:
        padded[np.arange(width) < lengths[:, None]] = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]
    hashed = lengths.astype(np.uint64)
    for number, word in enumerate(padded.view(np.uint64).T):
        mixed = (hashed ^ word) * _MULTIPLIER
        mixed ^= mixed >> _SHIFT
        # what a string is hashed to must not depend on longer ones beside it
        hashed = mixed if shortest > number * _WORD else np.where(lengths > number * _WORD, mixed, hashed)
    return hashed


def rank_strings(strings: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - an Arrow array
    """Return the rank of each string by its UTF-8 bytes, equal strings in the order in which they stand."""
    ranks = np.empty(len(strings), np.int64)
    ranks[pc.array_sort_indices(strings).to_numpy()] = np.arange(len(strings))
    return ranks
