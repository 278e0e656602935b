"""Lets a quarantined load land after all: a decision, then the job that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from presage.errors import ConflictError, NotFoundError
from presage.features.quarantine import Decision, QuarantinedLoad, decide
from presage.features.schema.model import ColumnOverride, Overrides
from presage.features.schema.overrides import check_overrides, check_resolution
from presage.features.sources.warehouse_columns import answer_columns
from presage.identifiers import new_identifier
from presage.jobs.arguments import ImportFile, ImportWarehouse
from presage.jobs.model import Job
from presage.jobs.retrying import find_last_retry
from presage.jobs.use_cases import request_job
from presage.tenancy.model import User
from services.backend.context import BackendPorts


def release_load(load: QuarantinedLoad, columns: Overrides, *, user: User, ports: BackendPorts, now: datetime) -> Job:
    """Submit the import of a load by what was declared before and is declared now, and return its job.

    A crash between the decision and the job leaves a decision for a job that is not there; the load can be released again.

    Raises:
        ForbiddenError: The user lacks `data.write`.
        InvalidInputError: A breaking change has no answer, or one that the dataset does not allow.
        ConflictError: It was discarded, is being imported or has landed.
    """
    again, declared = _declare(load, columns)
    check_overrides(declared, ports.datasets.get_dataset(load.workspace_id, load.dataset_id))
    check_resolution(load.breaking, declared)
    if _find_state(load, ports) == "succeeded":
        raise ConflictError(f"The load {load.load_id} has landed, by {load.decisions[-1].job_id}")
    job_id = new_identifier("job")
    decision = Decision("released", user.user_id, now, job_id)
    decide(load, decision, by=user, store=ports.quarantine, is_job_over=is_import_over(load, ports))
    return request_job(again, by=user, now=now, ports=ports.jobs, job_id=job_id)


def _declare(load: QuarantinedLoad, columns: Overrides) -> tuple[ImportFile | ImportWarehouse, Overrides]:
    """Return the load's import as it is to be, and all that is declared of its columns; a warehouse, of which no file is, is read again."""
    if not load.key:
        asked = msgspec.convert(dict(load.arguments), ImportWarehouse)
        return replace(asked, columns=answer_columns(asked.columns, columns)), columns
    arguments = msgspec.convert(dict(load.arguments), ImportFile)
    declared = msgspec.convert(dict(arguments.columns), dict[str, ColumnOverride]) | dict(columns)
    return replace(arguments, key=load.key, columns=msgspec.to_builtins(declared)), declared


def is_import_over(load: QuarantinedLoad, ports: BackendPorts) -> bool:
    """Return whether no job is to import the load, or that job has ended."""
    return _find_state(load, ports) not in {"queued", "running"}


def _find_state(load: QuarantinedLoad, ports: BackendPorts) -> str | None:
    job_id = load.decisions[-1].job_id if load.decisions else None
    try:
        return None if job_id is None else find_last_retry(ports.jobs.store.get_job(load.workspace_id, job_id), ports.jobs.store).state
    except NotFoundError:
        return None
