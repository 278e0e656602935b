"""Record ids as 128-bit hashes in parquet: small enough to keep those of a week, and looked up a column at a time.

That two of 100 million ids share a hash has a probability of 1.5e-23.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from struct import Struct

import polars as pl

from presage.errors import CorruptArtifactError

HIGH = "high"
LOW = "low"
_SCHEMA = {HIGH: pl.UInt64(), LOW: pl.UInt64()}
_HALVES = Struct(">QQ")

Fingerprint = tuple[int, ...]


def compute_fingerprint(record_id: str) -> Fingerprint:
    """Return the two halves of an id's hash."""
    return _HALVES.unpack(blake2b(record_id.encode(), digest_size=_HALVES.size).digest())


def build_frame(record_ids: Iterable[str], merged: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Return the fingerprints of ids, and those of other frames of this kind, each once and sorted.

    Grain: one row per id. Columns: high, low (the halves of the hash).
    """
    own = pl.DataFrame([compute_fingerprint(record_id) for record_id in record_ids], schema=_SCHEMA, orient="row")
    frame = own.sort(HIGH)
    for other in merged:
        frame = frame.merge_sorted(other, key=HIGH)
    repeated = (pl.col(HIGH) == pl.col(HIGH).shift()) & (pl.col(LOW) == pl.col(LOW).shift())
    return frame.filter(repeated.not_().fill_null(value=True)).rechunk()


def encode_frame(frame: pl.DataFrame) -> bytes:
    """Return the parquet bytes of fingerprints, uncompressed as hashes are. Same fingerprints, same bytes."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="uncompressed", row_group_size=max(len(frame), 1))
    return buffer.getvalue()


def decode_frame(body: bytes) -> pl.DataFrame:
    """Return the fingerprints of an object.

    Raises:
        CorruptArtifactError: It holds none.
    """
    try:
        return pl.read_parquet(io.BytesIO(body)).select(pl.col(HIGH, LOW).cast(pl.UInt64()))
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifactError(f"an object of {len(body)} bytes holds no fingerprints: {error}") from error


class Lookup:
    """Looks for some ids in one frame after the other."""

    def __init__(self, record_ids: Sequence[str]) -> None:
        """Look for these ids."""
        self._wanted = {compute_fingerprint(record_id): record_id for record_id in record_ids}
        self._highs = pl.Series(HIGH, [high for high, _ in self._wanted], dtype=pl.UInt64()).implode()

    def find_in(self, frame: pl.DataFrame) -> set[str]:
        """Return those of the ids whose fingerprint is in the frame."""
        candidates = frame.filter(pl.col(HIGH).is_in(self._highs))
        return {self._wanted[row] for row in candidates.iter_rows() if row in self._wanted}
