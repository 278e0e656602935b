"""Packs a materialised snapshot into one LMDB file that serving maps into memory."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import numpy as np
import polars as pl

from presage.errors import CorruptArtifactError
from presage.runtime.observability import with_fields
from presage.training.artifact import CANDIDATES_KEY, SnapshotManifest, build_snapshot_key
from presage.training.ports import TrainingFiles
from presage.training.recipe import Recipe, compute_training_set_id, decode_recipe, from_microseconds
from presage.training.spec import FeatureView

FORMAT = 1
_LOG = logging.getLogger("presage.trainer.pack")
_ROOM_PER_ENTRY_BYTES = 256
_LEAST_ROOM_BYTES = 1 << 24


@dataclass(frozen=True)
class PackRequest:
    """Prefixes of the lake, with a slash at their end."""

    training_set: str
    snapshot: str
    model_id: str
    snapshot_id: str


def pack(request: PackRequest, files: TrainingFiles, *, now: datetime) -> SnapshotManifest:
    """Write features.lmdb and, last, snapshot.json below the snapshot prefix, and return the latter.

    Raises:
        CorruptArtifactError: The materialised files are not what their manifest says, or the packed file does not hold them.
    """
    recipe = decode_recipe(_read(files, f"{request.training_set}recipe.json"))
    raw: dict[str, Any] = msgspec.json.decode(_read(files, f"{request.snapshot}manifest.json"))
    if raw["training_set_id"] != compute_training_set_id(recipe):
        raise CorruptArtifactError(f"{request.snapshot} was made from training set {raw['training_set_id']}, not from its recipe")
    candidates = _read(files, f"{request.snapshot}candidates/items.json")
    frames = {view.name: _read_view(files, request, raw, view) for view in recipe.spec.feature_views}
    entries = {CANDIDATES_KEY: candidates} | dict(_list_entries(recipe, frames))
    _LOG.info("snapshot read", extra=with_fields({"entries": len(entries)}))
    body = _write_lmdb(entries)
    key = f"{request.snapshot}features.lmdb"
    files.put_lake(key, body)
    _check(_read(files, key), entries)
    manifest = SnapshotManifest(
        format=FORMAT,
        model_id=request.model_id,
        snapshot_id=request.snapshot_id,
        as_of=from_microseconds(raw["as_of_us"]),
        created_at=now,
        entities=_count_entities(recipe, frames),
        file_key=key,
        file_sha256=sha256(body).hexdigest(),
        file_bytes=len(body),
    )
    files.put_lake(f"{request.snapshot}snapshot.json", msgspec.json.encode(manifest))
    return manifest


def _read(files: TrainingFiles, key: str) -> bytes:
    body = files.read_lake(key)
    if body is None:
        raise CorruptArtifactError(f"the lake has no {key}")
    return body


def _read_view(files: TrainingFiles, request: PackRequest, raw: dict[str, Any], view: FeatureView) -> pl.DataFrame:
    columns = {"join_key": pl.String()} | {feature.name: pl.Float64() for feature in view.features}
    frames = [pl.DataFrame(schema=columns)]
    for file in raw["files"]:
        if file["view"] == view.name:
            frame = pl.read_parquet(io.BytesIO(_read(files, request.snapshot + file["key"])))
            if len(frame) != file["rows"]:
                raise CorruptArtifactError(f"{file['key']} holds {len(frame)} rows, the manifest says {file['rows']}")
            frames.append(frame.select(pl.col(name).cast(kind) for name, kind in columns.items()))
    return pl.concat(frames)


def _list_entries(recipe: Recipe, frames: dict[str, pl.DataFrame]) -> Iterator[tuple[bytes, bytes]]:
    for view in recipe.spec.feature_views:
        frame = frames[view.name]
        names = [feature.name for feature in view.features]
        values = frame.select(pl.col(names).fill_null(float("nan"))).to_numpy().astype("<f8")
        for join_key, row in zip(frame["join_key"], np.ascontiguousarray(values), strict=True):
            yield build_snapshot_key(view.name, join_key), row.tobytes()


def _count_entities(recipe: Recipe, frames: dict[str, pl.DataFrame]) -> int:
    keys = [frames[view.name]["join_key"] for view in recipe.spec.feature_views if view.join == "entity"]
    return pl.concat(keys).n_unique() if keys else 0


def _write_lmdb(entries: dict[bytes, bytes]) -> bytes:
    """Return a compacted LMDB file with the entries."""
    room = _LEAST_ROOM_BYTES + 4 * sum(len(key) + len(value) + _ROOM_PER_ENTRY_BYTES for key, value in entries.items())
    with tempfile.TemporaryDirectory() as folder:
        loose, packed = Path(folder, "loose.lmdb"), Path(folder, "packed.lmdb")
        with lmdb.open(str(loose), subdir=False, map_size=room, sync=False, lock=False) as environment:
            with environment.begin(write=True) as transaction:
                for key in sorted(entries):
                    transaction.put(key, entries[key], append=True)
            environment.copy(str(packed), compact=True)
        return packed.read_bytes()


def _check(body: bytes, entries: dict[bytes, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "features.lmdb")
        path.write_bytes(body)
        with lmdb.open(str(path), subdir=False, readonly=True, lock=False) as environment, environment.begin() as transaction:
            if dict(transaction.cursor()) != entries:
                raise CorruptArtifactError("the packed file does not hold what was packed")
