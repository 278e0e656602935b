"""64-bit hashes of whole columns, the same in every version of every library: samples and counts of distinct values rest on them.

Multiply-and-shift rounds with MurmurHash3's finaliser. They are no defence against who chooses values to collide.

References:
    Appleby, "MurmurHash3" (public domain), `fmix64`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
HASH_SPACE = 2.0**64
_ROUND = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF, _THIRD = np.uint64(32), np.uint64(33)
_WORD = 8
_MASKS = np.array([(1 << (8 * length)) - 1 for length in range(_WORD + 1)], dtype=np.uint64)


def hash_words(words: NDArray[Any]) -> Hashes:
    """Return the hashes of 8-byte values (float64, int64). Shape: that of `words`, (values,). -0.0 hashes as 0.0."""
    if words.dtype == np.float64:
        words = words + 0.0
    hashes: Hashes = words.view(np.uint64) ^ _ROUND
    return _finish(hashes)


def hash_texts(texts: Any) -> Hashes:  # noqa: ANN401 - Arrow has no types
    """Return the hashes of the UTF-8 bytes of an Arrow string array without nulls. Shape: (values,)."""
    wide = np.int64 if str(texts.type) == "large_string" else np.int32
    _, offsets_buffer, data_buffer = texts.buffers()
    if not len(texts) or data_buffer is None:
        return _finish(np.full(len(texts), _ROUND, dtype=np.uint64))
    offsets = np.frombuffer(offsets_buffer, dtype=wide)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    shortest, longest, size = int(lengths.min()), int(lengths.max()), int(offsets[-1] - offsets[0])
    padded = np.empty(size + longest + _WORD, dtype=np.uint8)
    padded[:size] = np.frombuffer(data_buffer, dtype=np.uint8)[int(offsets[0]) : int(offsets[-1])]
    padded[size:] = 0
    words = np.ndarray((size + longest + 1,), dtype="<u8", buffer=padded, strides=(1,))  # the 8 bytes from each byte on
    hashes = (lengths.astype(np.uint64) + np.uint64(1)) * _ROUND
    for begin in range(0, longest, _WORD):
        taken = words[starts]
        starts += _WORD
        if begin + _WORD <= shortest:
            _mix(hashes, taken)
            continue
        if begin >= shortest:
            np.minimum(starts, size + longest, out=starts)
        taken &= _MASKS[np.clip(lengths - begin, 0, _WORD)]
        mixed = hashes.copy()
        _mix(mixed, taken)
        np.copyto(hashes, mixed, where=lengths > begin)  # a hash knows its own value's bytes only
    return _finish(hashes)


def _mix(hashes: Hashes, words: Hashes) -> None:
    """Mix words into hashes, in place."""
    hashes ^= words
    hashes *= _FIRST
    hashes ^= hashes >> _HALF


def _finish(hashes: Hashes) -> Hashes:
    hashes ^= hashes >> _THIRD
    hashes *= _FIRST
    hashes ^= hashes >> _THIRD
    hashes *= _SECOND
    hashes ^= hashes >> _THIRD
    return hashes
