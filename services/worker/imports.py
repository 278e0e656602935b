"""The jobs that import from a source: arguments in, a version of the dataset, a line for the user out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from presage.errors import ConflictError, UnavailableError
from presage.features.dataset import Dataset
from presage.features.ports import DatasetStore
from presage.features.quarantine import QuarantineStore
from presage.features.schema.evolution import add_columns
from presage.features.schema.model import ColumnOverride
from presage.features.sources.amplitude import (
    AmplitudeExports,
    AmplitudeKeys,
    AmplitudeRegion,
    AmplitudeRequest,
    AmplitudeSource,
    check_amplitude_request,
    compute_complete_until,
    floor_hour,
)
from presage.features.sources.credentials import CredentialStore, read_credential
from presage.features.sources.files import FileSource, ImportRequest
from presage.features.sources.importing import import_source
from presage.features.sources.model import ImportSummary, Position, Source
from presage.features.sources.ports import ImportFiles, ImportPorts
from presage.features.sources.survey import survey_file
from presage.features.sources.warehouse import (
    CustomerWarehouse,
    WarehouseKind,
    WarehouseLogin,
    WarehouseRequest,
    check_warehouse_request,
)
from presage.features.sources.warehouse_columns import compare_columns
from presage.features.sources.warehouse_rows import WarehouseSource, find_end
from presage.jobs.arguments import ImportAmplitude, ImportFile, ImportWarehouse
from presage.jobs.execution import JobResult
from presage.jobs.model import Job, JobKind
from presage.progress import Progress
from services.worker.quarantine import hold

OpenAmplitude = Callable[[AmplitudeRegion, AmplitudeKeys], AmplitudeExports]
OpenWarehouse = Callable[[WarehouseKind, WarehouseLogin, WarehouseRequest], CustomerWarehouse]


@dataclass(frozen=True, slots=True)
class ImportSources:
    """Where imports read from, and what they write to."""

    datasets: DatasetStore
    target: ImportPorts
    files: ImportFiles
    credentials: CredentialStore
    open_amplitude: OpenAmplitude
    quarantine: QuarantineStore
    open_warehouse: OpenWarehouse


@dataclass(frozen=True, slots=True)
class _Plan:
    """A source, the dataset in the schema that it is read for, and what the job's result says besides the counts.

    `tell_end` says what it does of where the source ended.
    """

    dataset: Dataset
    source: Source
    values: Mapping[str, object] = field(default_factory=dict)
    tell_end: Callable[[Position], Mapping[str, object]] = lambda _: {}


_Planner = Callable[[Job, Dataset, ImportSources, Progress], _Plan | JobResult]


def run_import(job: Job, progress: Progress, ports: ImportSources) -> JobResult:
    """Import as of the job's creation, so that a retry writes the same bytes, from where the last attempt got to."""
    dataset = ports.datasets.get_dataset(job.workspace_id, str(job.arguments["dataset_id"]))
    try:
        plan = _PLANNERS[job.kind](job, dataset, ports, progress)
        if isinstance(plan, JobResult):
            return plan
        summary = import_source(
            dataset=plan.dataset, source=plan.source, ports=ports.target, now=job.created_at, progress=progress, checkpoint=job.checkpoint
        )
    except ConflictError as error:
        raise UnavailableError(f"The dataset {dataset.name!r} is being written to by too many at once: {error}") from error
    values = {**msgspec.to_builtins(summary), **plan.values, **plan.tell_end(summary.end)}
    return JobResult(_describe(summary, dataset.name), {name: value for name, value in values.items() if name != "end"})


def _plan_file(job: Job, dataset: Dataset, ports: ImportSources, progress: Progress) -> _Plan | JobResult:
    request = _build_request(msgspec.convert(job.arguments, ImportFile))
    comparison = survey_file(request, dataset, ports.files, progress=progress)
    if comparison.breaking:
        return hold(job, dataset, comparison, ports.quarantine)
    evolved = add_columns(dataset, comparison.new_columns, cause=job.job_id, now=job.created_at, datasets=ports.datasets)
    source = FileSource(ports.files, request.leave_out(comparison.empty), evolved, now=job.created_at)
    return _Plan(evolved, source, {"schema_version": evolved.schema_version, "changes": msgspec.to_builtins(comparison.changes)})


def _build_request(arguments: ImportFile) -> ImportRequest:
    """Return what the job asks for."""
    return ImportRequest(
        arguments.key,
        arguments.format,
        entity_column=arguments.entity_column,
        event_timestamp_column=arguments.event_timestamp_column,
        known_timestamp_column=arguments.known_timestamp_column,
        columns=msgspec.convert(dict(arguments.columns), dict[str, ColumnOverride]),
    )


def _plan_amplitude(job: Job, dataset: Dataset, ports: ImportSources, progress: Progress) -> _Plan:  # noqa: ARG001 - a planner's
    arguments = msgspec.convert(job.arguments, ImportAmplitude)
    request = AmplitudeRequest(
        arguments.start,
        arguments.until or floor_hour(job.created_at),
        entity=arguments.entity,
        event_types=arguments.event_types,
        columns=arguments.columns,
    )
    check_amplitude_request(request, dataset, now=job.created_at)
    keys = read_credential(ports.credentials, job.workspace_id, arguments.credential, AmplitudeKeys)
    source = AmplitudeSource(ports.open_amplitude(arguments.region, keys), request, dataset, now=job.created_at)
    complete = compute_complete_until(request, read_at=job.created_at)
    return _Plan(dataset, source, {"complete_until": msgspec.to_builtins(complete)})


def _plan_warehouse(job: Job, dataset: Dataset, ports: ImportSources, progress: Progress) -> _Plan | JobResult:
    arguments = msgspec.convert(job.arguments, ImportWarehouse)
    request = msgspec.convert(job.arguments, WarehouseRequest)
    check_warehouse_request(request)
    login = read_credential(ports.credentials, job.workspace_id, arguments.credential, WarehouseLogin)
    warehouse = ports.open_warehouse(arguments.kind, login, request)
    progress(0.0, "Connecting to the warehouse")
    comparison = compare_columns(request, dataset, warehouse.describe())
    if comparison.breaking:
        return hold(job, dataset, comparison, ports.quarantine)
    evolved = add_columns(dataset, comparison.new_columns, cause=job.job_id, now=job.created_at, datasets=ports.datasets)
    source = WarehouseSource(warehouse, request, evolved, now=job.created_at)
    values = {"schema_version": evolved.schema_version, "changes": msgspec.to_builtins(comparison.changes)}
    return _Plan(evolved, source, values, lambda end: {"read_until": msgspec.to_builtins(find_end(end))})


_PLANNERS: Mapping[JobKind, _Planner] = {
    "import_file": _plan_file,
    "import_amplitude": _plan_amplitude,
    "import_warehouse": _plan_warehouse,
}


def _describe(summary: ImportSummary, dataset: str) -> str:
    refused = f", {summary.invalid} refused" if summary.invalid else ""
    twice = f", {summary.duplicates} there already" if summary.duplicates else ""
    skipped = f", {summary.skipped} not asked for" if summary.skipped else ""
    return f"{summary.accepted} of {summary.rows} rows imported into {dataset}{twice}{refused}{skipped}"
