"""The jobs on versions that are there: scoring many entities, renewing feature values. Arguments in, a line for the user out."""

from __future__ import annotations

import msgspec

from presage.batch_predictions.entities import DatasetEntities, EntityChoice, SnapshotEntities, UploadedEntities
from presage.batch_predictions.order import build_prefix
from presage.batch_predictions.results import BatchManifest
from presage.batch_predictions.use_cases import BatchRequest, predict_batch
from presage.jobs.arguments import PredictBatch, RefreshSnapshot
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.progress import Progress
from presage.training.ports import ModelRegistry
from presage.training.refresh import VersionPorts, refresh_snapshot
from presage.training.registration import choose_version


def run_batch(job: Job, progress: Progress, *, models: ModelRegistry, ports: VersionPorts) -> JobResult:
    """Score as of the job's creation, unless another time is named, so that a retry gives the same answers."""
    arguments = msgspec.convert(job.arguments, PredictBatch)
    model = models.get_model(job.workspace_id, arguments.model_id)
    request = BatchRequest(
        job.job_id, choose_entities(arguments), arguments.as_of or job.created_at, version=arguments.version, alias=arguments.alias
    )
    manifest = predict_batch(request, model=model, ports=ports, progress=progress, checkpoint=job.checkpoint)
    values = {
        "prefix": build_prefix(job.workspace_id, job.job_id),
        "version": manifest.version,
        "rows": manifest.rows,
        "refused": manifest.refused,
    }
    return JobResult(describe(manifest, model.name), values)


def run_refresh(job: Job, progress: Progress, *, models: ModelRegistry, ports: VersionPorts) -> JobResult:
    """Renew as of the job's creation, so that a retry goes on with the same snapshot."""
    arguments = msgspec.convert(job.arguments, RefreshSnapshot)
    model = models.get_model(job.workspace_id, arguments.model_id)
    kept = job.checkpoint.get("version")
    version = choose_version(model, kept if isinstance(kept, int) else arguments.version, "production", versions=ports.build.versions)
    checkpoint = {**job.checkpoint, "version": version.version}
    made = refresh_snapshot(model, version, as_of=job.created_at, ports=ports, progress=progress, checkpoint=checkpoint)
    summary = f"Version {made.version} of {model.name} answers from what was known at {made.as_of:%Y-%m-%d %H:%M} UTC"
    return JobResult(summary, {"version": made.version, "snapshot_key": made.snapshot_key})


def choose_entities(arguments: PredictBatch) -> EntityChoice:
    """Return whom the arguments ask about."""
    if arguments.dataset_id is not None:
        return DatasetEntities(arguments.dataset_id)
    if arguments.key is not None:
        return UploadedEntities(arguments.key, arguments.format, arguments.entity_column)
    return SnapshotEntities()


def describe(manifest: BatchManifest, model_name: str) -> str:
    """Return the line that the user is told."""
    refused = f"; {manifest.refused} rows of it name no entity" if manifest.refused else ""
    return f"{manifest.rows} predictions by version {manifest.version} of {model_name} for {manifest.input}{refused}"
