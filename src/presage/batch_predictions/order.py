"""What a batch prediction is to do: everything that determines its rows. Written by the worker, read by the Spark step.

Standard library only, importable on Python 3.9 (docs/adr/0005): the step's driver reads it before it has an environment of its own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Mapping, Tuple
from uuid import NAMESPACE_URL, UUID, uuid5

from presage.errors import CorruptArtifactError

FORMAT = 1
ROWS_PER_PARTITION = 1_000_000
"""What is done, and kept, at once: a run that is killed loses one partition's work at most."""
LONGEST_ENTITY_ID = 256
"""Characters, as in the public API."""
ORDER_FILE = "order.json"
MODEL_FILE, ARTIFACT_FILE, SNAPSHOT_FILE = "model.msgpack", "model.json", "snapshot.json"
"""What scoring needs beside the feature values, by the names under which Spark brings it to its workers."""


@dataclass(frozen=True)
class EntitySource:
    """Where the entities come from: files of the lake, and the column that names the entities; each entity is asked about once.

    `format` is `parquet`, `csv` (with a header) or `ndjson`. `described` tells the user which they are.
    """

    format: str
    column: str
    keys: Tuple[str, ...]
    described: str


@dataclass(frozen=True)
class Order:
    """One batch prediction. `snapshot_key` is the manifest's; all keys are relative to the lake.

    Units: `as_of_us` is microseconds since the epoch, UTC: what the predictions are for, as an entry's `timestamp` says it online.
    """

    workspace_id: str
    job_id: str
    model_id: str
    version: int
    kind: str
    training_set_id: str
    model_sha256: str
    snapshot_key: str
    snapshot_sha256: str
    snapshot_file_key: str
    as_of_us: int
    source: EntitySource
    rows_per_partition: int = ROWS_PER_PARTITION
    format: int = FORMAT


def build_prefix(workspace_id: str, job_id: str) -> str:
    """Return where a batch prediction lies in the lake."""
    return f"ws={workspace_id}/batch_predictions/{job_id}/"


def encode_order(order: Order) -> bytes:
    """Return canonical JSON: the same order gives the same bytes."""
    return json.dumps(asdict(order), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def decode_order(body: bytes) -> Order:
    """Return the order that `encode_order` wrote.

    Raises:
        CorruptArtifactError: The bytes are something else.
    """
    try:
        raw: Mapping[str, Any] = json.loads(body)
        source = EntitySource(**{**raw["source"], "keys": tuple(raw["source"]["keys"])})
        order = Order(**{**raw, "source": source})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptArtifactError(f"not an order of a batch prediction: {error!r}") from error
    if order.format != FORMAT:
        raise CorruptArtifactError(f"an order of format {order.format}, expected {FORMAT}")
    return order


def build_namespace(job_id: str) -> UUID:
    """Return the namespace that a job's predictions have their ids in."""
    return uuid5(NAMESPACE_URL, f"presage:batch-prediction:{job_id}")


def compute_prediction_id(namespace: UUID, entity_id: str) -> str:
    """Return the id of the job's prediction for an entity (UUID version 5): the same however often the job is begun."""
    return str(uuid5(namespace, entity_id))


def choose_partition(prediction_id: str, partitions: int) -> int:
    """Return in which partition a prediction lies: its id alone tells."""
    return int(prediction_id[:8], 16) % partitions


def count_partitions(rows: int, *, rows_per_partition: int) -> int:
    """Return into how many partitions so many rows go; there is one even without rows."""
    return max(1, -(-rows // rows_per_partition))
