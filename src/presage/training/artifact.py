"""The manifests that training leaves behind and serving reads. Plain JSON beside checksummed binary files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from presage.training.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """`model.json`: how to feed `model.onnx`.

    Shape: the network takes float32 (n, len(columns)), nulls as NaN already replaced by `fill_values`, and its
    `probabilities` output is (n, len(classes)). `baseline` answers without features: a class, or items by popularity.
    """

    format: int
    model_id: str
    version: int
    spec: ModelSpec
    columns: tuple[str, ...]
    fill_values: tuple[float, ...]
    classes: tuple[str, ...]
    baseline: tuple[str, ...]
    network_key: str
    network_sha256: str
    training_set_id: str


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """`snapshot.json`: a packed LMDB file of feature values as of `as_of`.

    Key: `<view>\\x00<join key>`; value: little-endian float64 of the view's features in order, NaN for null;
    `days_since_*` are stored as the event's seconds since the epoch, and turned to days at prediction time.
    The key `\\x00candidates` holds a JSON list of item ids, most frequent first.
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
