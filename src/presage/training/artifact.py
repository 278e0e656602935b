"""The manifests that training leaves behind and serving reads. Plain JSON beside checksummed binary files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from presage.training.spec import ModelSpec

CANDIDATES_KEY = b"\x00candidates"
LONGEST_KEY_BYTES = 511
"""LMDB's own limit of a key."""


def build_snapshot_key(view: str, join_key: str) -> bytes:
    """Return the key under which a snapshot holds a view's values: the view's name, a zero byte, the join key.

    A key over LMDB's 511 bytes holds the join key's SHA-256 in hexadecimal, with a second zero byte before it, instead.
    """
    key = f"{view}\x00{join_key}".encode()
    if len(key) <= LONGEST_KEY_BYTES:
        return key
    return f"{view}\x00\x00{hashlib.sha256(join_key.encode()).hexdigest()}".encode()


def build_snapshot_keys(view: str, join_keys: Sequence[str]) -> list[bytes]:
    """Return the key of each join key, at less than the cost of one by one."""
    prefix = f"{view}\x00".encode()
    keys = [prefix + join_key.encode() for join_key in join_keys]
    if max(map(len, keys), default=0) <= LONGEST_KEY_BYTES:
        return keys
    return [build_snapshot_key(view, join_key) for join_key in join_keys]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the compiled model was from the fitted pipeline: on held-out rows, and on probes made of them."""

    largest_difference: float
    tolerance: float
    rows: int
    probes: int


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """`model.json`: how to feed `model.msgpack`, a `presage.training.compiled.CompiledModel`.

    Shape: it takes float64 (n, len(columns)), nulls as NaN, and answers (n, len(classes)), or (n, 1) of a regression, which has
    no classes. `baseline` answers without features: a class, a number as text, or items by popularity.
    """

    format: int
    model_id: str
    version: int
    spec: ModelSpec
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    baseline: tuple[str, ...]
    model_key: str
    model_sha256: str
    parity: Parity
    training_set_id: str

    @property
    def width(self) -> int:
        """Return how many numbers the model answers a row."""
        return max(1, len(self.classes))


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """`snapshot.json`: a packed LMDB file of feature values as of `as_of`.

    Key: `build_snapshot_key(view, join key)`; value: little-endian float64 of the view's features in order, NaN for null;
    `days_since_*` are stored as the event's seconds since the epoch, and turned to days at prediction time.
    `CANDIDATES_KEY` holds a JSON list of item ids, most frequent first.
    """

    format: int
    model_id: str
    snapshot_id: str
    as_of: datetime
    created_at: datetime
    entities: int
    file_key: str
    file_sha256: str
    file_bytes: int
