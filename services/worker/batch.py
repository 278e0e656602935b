"""The job that scores many entities: arguments in, files in the lake, a line for the user out."""

from __future__ import annotations

import msgspec

from presage.batch_predictions.entities import DatasetEntities, EntityChoice, SnapshotEntities, UploadedEntities
from presage.batch_predictions.order import build_prefix
from presage.batch_predictions.results import BatchManifest
from presage.batch_predictions.use_cases import BatchRequest, predict_batch
from presage.jobs.arguments import PredictBatch
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.progress import Progress
from presage.training.ports import ModelRegistry
from presage.training.use_cases import BuildPorts


def run_batch(job: Job, progress: Progress, *, models: ModelRegistry, ports: BuildPorts) -> JobResult:
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
