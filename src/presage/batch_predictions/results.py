"""What a batch prediction left: its manifest, read and checked, and how far a run has come."""

from __future__ import annotations

import msgspec

from presage.batch_predictions.order import FORMAT, Order, build_prefix
from presage.errors import CorruptArtifactError
from presage.training.ports import TrainingFiles


class ResultFile(msgspec.Struct, frozen=True):
    """One parquet file; `key` is relative to the batch prediction's folder."""

    key: str
    rows: int
    bytes: int
    sha256: str
    partition: int


class BatchManifest(msgspec.Struct, frozen=True):
    """`manifest.json`, written last. Every row of the files is one prediction; `refused` rows of the input held no usable id."""

    format: int
    job_id: str
    model_id: str
    version: int
    kind: str
    training_set_id: str
    model_sha256: str
    snapshot_key: str
    snapshot_sha256: str
    as_of_us: int
    input: str
    entities: int
    refused: int
    partitions: int
    rows: int
    files: list[ResultFile]


class _Plan(msgspec.Struct, frozen=True):
    partitions: int


def decode_manifest(body: bytes, key: str) -> BatchManifest:
    """Return the manifest.

    Raises:
        CorruptArtifactError: It is none.
    """
    try:
        manifest = msgspec.json.decode(body, type=BatchManifest)
    except msgspec.MsgspecError as error:
        raise CorruptArtifactError(f"{key} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise CorruptArtifactError(f"{key} has format {manifest.format}, expected {FORMAT}")
    return manifest


def read_manifest(files: TrainingFiles, order: Order) -> BatchManifest | None:
    """Return the manifest if the results are there and whole, None if they are not there yet.

    Raises:
        CorruptArtifactError: It is another order's, or contradicts itself.
    """
    prefix = build_prefix(order.workspace_id, order.job_id)
    body = files.read_lake(f"{prefix}manifest.json")
    if body is None:
        return None
    manifest = decode_manifest(body, f"{prefix}manifest.json")
    ordered = (order.job_id, order.version, order.model_sha256, order.snapshot_sha256, order.as_of_us)
    found = (manifest.job_id, manifest.version, manifest.model_sha256, manifest.snapshot_sha256, manifest.as_of_us)
    if found != ordered:
        raise CorruptArtifactError(f"{prefix}manifest.json is of {found}, ordered was {ordered}")
    rows = sum(file.rows for file in manifest.files)
    if not rows == manifest.rows == manifest.entities:
        raise CorruptArtifactError(f"{prefix}manifest.json: {manifest.entities} entities, {manifest.rows} rows, {rows} in files")
    there = set(files.list_lake(f"{prefix}data/"))
    return manifest if all(prefix + file.key in there for file in manifest.files) else None


def measure_progress(files: TrainingFiles, prefix: str) -> float:
    """Return the share of the partitions that are done."""
    plan = files.read_lake(f"{prefix}plan.json")
    if plan is None:
        return 0.0
    done = sum(key.endswith(".json") for key in files.list_lake(f"{prefix}done/"))
    return done / msgspec.json.decode(plan, type=_Plan).partitions
