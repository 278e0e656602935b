"""The jobs that import from a source: arguments in, a version of the dataset, a line for the user out."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from presage.errors import ConflictError, UnavailableError
from presage.features.dataset import Dataset
from presage.features.ports import DatasetStore
from presage.features.sources.files import FileSource, ImportRequest
from presage.features.sources.importing import import_source
from presage.features.sources.model import ImportSummary, Source
from presage.features.sources.ports import ImportFiles, ImportPorts
from presage.jobs.arguments import ImportFile
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.progress import Progress


@dataclass(frozen=True, slots=True)
class ImportSources:
    """Where imports read from, and what they write to."""

    datasets: DatasetStore
    target: ImportPorts
    files: ImportFiles


def run_import(job: Job, progress: Progress, ports: ImportSources) -> JobResult:
    """Import as of the job's creation, so that a retry writes the same bytes, from where the last attempt got to."""
    arguments = msgspec.convert(job.arguments, ImportFile)
    dataset = ports.datasets.get_dataset(job.workspace_id, arguments.dataset_id)
    try:
        summary = import_source(
            dataset=dataset,
            source=_build_source(job, arguments, dataset, ports),
            ports=ports.target,
            now=job.created_at,
            progress=progress,
            checkpoint=job.checkpoint,
        )
    except ConflictError as error:
        raise UnavailableError(f"The dataset {dataset.name!r} is being written to by too many at once: {error}") from error
    return JobResult(_describe(summary, dataset.name), msgspec.to_builtins(summary))


def _build_source(job: Job, arguments: ImportFile, dataset: Dataset, ports: ImportSources) -> Source:
    request = ImportRequest(
        arguments.key,
        arguments.format,
        entity_column=arguments.entity_column,
        event_timestamp_column=arguments.event_timestamp_column,
        known_timestamp_column=arguments.known_timestamp_column,
    )
    return FileSource(ports.files, request, dataset, now=job.created_at)


def _describe(summary: ImportSummary, dataset: str) -> str:
    refused = f", {summary.invalid} refused" if summary.invalid else ""
    twice = f", {summary.duplicates} there already" if summary.duplicates else ""
    skipped = f", {summary.skipped} not asked for" if summary.skipped else ""
    return f"{summary.accepted} of {summary.rows} rows imported into {dataset}{twice}{refused}{skipped}"
