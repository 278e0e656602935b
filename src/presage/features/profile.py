"""What a dataset's page shows of a version: summary statistics and a subsample. Same version, same bytes."""

from __future__ import annotations

import logging
from datetime import UTC
from hashlib import blake2b

import msgspec
import polars as pl

from presage.errors import NotFoundError
from presage.features.columnar import ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP, RECORD_ID
from presage.features.dataset import Column
from presage.features.keys import parse_manifest_key
from presage.features.ports import FeatureSetStore
from presage.features.records import FeatureSetVersion

PROFILE_FORMAT = 1
SAMPLE_SEED = "presage-sample-1"
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_VALUES = 10
ALWAYS_PROFILED_EVERY = 20
"""Under a stream that never pauses each version is superseded before it is looked at; every so many are profiled all the same."""
_LOG = logging.getLogger("presage.features.profile")


def profile_version(*, version: FeatureSetVersion, store: FeatureSetStore, sample_rows: int) -> bool:
    """Write the version's profile and return True, or return False when a newer version's profile will replace it.

    Each manifest starts its own profile run, so a version that is no longer the newest can be left out.
    Idempotency: the same version writes the same bytes.

    Raises:
        CorruptArtifactError: A part is not what the manifest says.
        UnavailableError: The lake did not answer.
    """
    dataset = version.dataset
    newest = store.find_version(dataset.workspace_id, dataset.dataset_id)
    if newest is not None and newest.version > version.version and version.version % ALWAYS_PROFILED_EVERY:
        _LOG.info("version %d of %s is superseded by %d: not profiled", version.version, dataset.dataset_id, newest.version)
        return False
    frame = store.read_frame(version)
    sample = build_sample(frame, dataset_id=dataset.dataset_id, columns=dataset.columns, rows=sample_rows)
    summary = build_summary(frame, version=version, sample_rows=min(sample_rows, frame.height))
    store.put_profile(version, sample=sample, summary=summary)
    return True


def profile_key(key: str, *, store: FeatureSetStore, sample_rows: int) -> bool:
    """Profile the version whose manifest has that key; returns and raises as `profile_version`.

    Raises:
        InvalidInputError: `key` is no manifest's.
        NotFoundError: There is no such manifest.
    """
    workspace_id, dataset_id, number = parse_manifest_key(key)
    version = store.find_version(workspace_id, dataset_id, number)
    if version is None:
        raise NotFoundError(f"there is no manifest {key!r}")
    return profile_version(version=version, store=store, sample_rows=sample_rows)


def build_sample(frame: pl.DataFrame, *, dataset_id: str, columns: tuple[Column, ...], rows: int) -> bytes:
    """Return exactly min(`rows`, all) records as NDJSON in wire form, in the order of (event_timestamp, record_id).

    Those with the smallest hash of dataset, seed and record id: uniform, and a record stays in until smaller ones push it out.
    """
    keyed = frame.with_columns(pl.Series("record hash", _hash_ids(frame[RECORD_ID].to_list(), dataset_id), dtype=pl.UInt64))
    chosen = keyed.sort("record hash", RECORD_ID).head(rows).sort(EVENT_TIMESTAMP, RECORD_ID)
    encoder = msgspec.json.Encoder()
    lines = bytearray()
    for row in chosen.iter_rows(named=True):
        record = {
            "record_id": row[RECORD_ID],
            "entity_id": row[ENTITY_ID],
            "event_timestamp": row[EVENT_TIMESTAMP].replace(tzinfo=UTC),
            "known_timestamp": row[KNOWN_TIMESTAMP].replace(tzinfo=UTC),
            "values": {column.name: row[column.name] for column in columns},
        }
        encoder.encode_into(record, lines, -1)
        lines += b"\n"
    return bytes(lines)


def build_summary(frame: pl.DataFrame, *, version: FeatureSetVersion, sample_rows: int) -> dict[str, object]:
    """Return the JSON-able summary statistics of a version's rows (see `build_version_frame`).

    `mean`, `std` (n - 1) and the exact quantiles (linear interpolation) leave nulls out; `distinct` counts non-null values.
    """
    return {
        "format": PROFILE_FORMAT,
        "dataset_id": version.dataset.dataset_id,
        "version": version.version,
        "version_created_at": version.created_at,
        "rows": frame.height,
        "entities": frame[ENTITY_ID].n_unique(),
        "sample_rows": sample_rows,
        "event_timestamp": _range(frame, EVENT_TIMESTAMP),
        "known_timestamp": _range(frame, KNOWN_TIMESTAMP),
        "columns": [_summarise(frame[column.name], column) for column in version.dataset.columns],
    }


def _hash_ids(record_ids: list[str], dataset_id: str) -> list[int]:
    seeded = blake2b(f"{SAMPLE_SEED}\0{dataset_id}\0".encode(), digest_size=8)
    hashes = []
    for record_id in record_ids:
        digest = seeded.copy()
        digest.update(record_id.encode())
        hashes.append(int.from_bytes(digest.digest(), "big"))
    return hashes


def _range(frame: pl.DataFrame, name: str) -> dict[str, object]:
    if frame.is_empty():
        return {"min": None, "max": None}
    bounds = frame.select(pl.col(name).min().alias("min"), pl.col(name).max().alias("max")).row(0)
    return {"min": bounds[0].replace(tzinfo=UTC), "max": bounds[1].replace(tzinfo=UTC)}


def _summarise(values: pl.Series, column: Column) -> dict[str, object]:
    present = values.drop_nulls()
    summary: dict[str, object] = {
        "name": column.name,
        "type": column.type,
        "nulls": values.null_count(),
        "distinct": present.n_unique(),
    }
    if column.type == "number":
        return summary | _summarise_numbers(present)
    return summary | {"top_values": _find_top_values(present)}


def _summarise_numbers(present: pl.Series) -> dict[str, object]:
    ordered = present.sort()
    return {
        "min": ordered.min(),
        "max": ordered.max(),
        "mean": ordered.mean(),
        "std": ordered.std(),
        "quantiles": {f"{share:g}": ordered.quantile(share, "linear") for share in QUANTILES},
    }


def _find_top_values(present: pl.Series) -> list[dict[str, object]]:
    counts = present.rename("value").value_counts(name="count").sort("count", "value", descending=[True, False]).head(TOP_VALUES)
    return [{"value": value, "count": count} for value, count in counts.iter_rows()]
