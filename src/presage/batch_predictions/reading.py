"""What a batch prediction answered: its manifest with links to its files, and one prediction by its id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from presage.batch_predictions.order import build_prefix, choose_partition
from presage.batch_predictions.ports import BatchResults
from presage.batch_predictions.results import BatchManifest, decode_manifest
from presage.errors import NotFoundError
from presage.training.recipe import from_microseconds


class FileLink(msgspec.Struct, frozen=True):
    """One parquet file and where to get it from, for an hour."""

    url: str
    rows: int
    bytes: int
    sha256: str


class BatchPrediction(msgspec.Struct, frozen=True):
    """What a job predicted. Every row of the files is one prediction."""

    job_id: str
    model_id: str
    version: int
    training_set_id: str
    model_sha256: str
    snapshot_key: str
    snapshot_sha256: str
    as_of: datetime
    input: str
    rows: int
    refused: int
    files: list[FileLink]


def get_batch_prediction(model_id: str, job_id: str, *, workspace_id: str, results: BatchResults) -> BatchPrediction:
    """Return what the job predicted.

    Raises:
        NotFoundError: The model has no such batch prediction, or it has not ended.
    """
    manifest = _get_manifest(model_id, job_id, workspace_id, results)
    links = [
        FileLink(results.create_download_url(workspace_id, job_id, file.key), file.rows, file.bytes, file.sha256) for file in manifest.files
    ]
    known = {name: getattr(manifest, name) for name in BatchPrediction.__struct_fields__ if name not in {"as_of", "files"}}
    return BatchPrediction(**known, as_of=from_microseconds(manifest.as_of_us), files=links)


def get_row(model_id: str, job_id: str, prediction_id: str, *, workspace_id: str, results: BatchResults) -> Mapping[str, object]:
    """Return one prediction: the id tells the partition, whose files are looked through.

    Raises:
        NotFoundError: The job made no such prediction.
    """
    manifest = _get_manifest(model_id, job_id, workspace_id, results)
    try:
        partition = choose_partition(str(UUID(prediction_id)), manifest.partitions)
    except ValueError as error:
        raise NotFoundError(f"There is no prediction {prediction_id[:64]!r}") from error
    for file in manifest.files:
        row = results.find_row(workspace_id, job_id, file.key, prediction_id) if file.partition == partition else None
        if row is not None:
            return row
    raise NotFoundError(f"There is no prediction {prediction_id[:64]!r}")


def _get_manifest(model_id: str, job_id: str, workspace_id: str, results: BatchResults) -> BatchManifest:
    body = results.find_manifest(workspace_id, job_id)
    manifest = None if body is None else decode_manifest(body, build_prefix(workspace_id, job_id))
    if manifest is None or manifest.model_id != model_id:
        raise NotFoundError(f"There are no batch predictions {job_id[:64]!r}, or they are being made")
    return manifest
