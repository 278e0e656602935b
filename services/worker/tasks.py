"""What `cron.yaml` starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from presage.errors import NotFoundError
from presage.experiments.model import Experiment
from presage.experiments.ports import RunningExperiments, Warehouse
from presage.jobs.arguments import AnalyseExperiment, RefreshSnapshot
from presage.jobs.use_cases import SYSTEM, JobPorts, build_job, submit_once
from presage.training.model import ModelVersion
from presage.training.ports import ProductionVersions
from presage.training.served import iterate_in_production
from services.worker.submissions import submit_for_each

PAGE = 100
RUN_SECONDS = 600
"""How often `cron.yaml` calls."""
MOST_A_RUN = 200
"""Experiments that one call looks after. Six calls an hour take turns, so 1,200 experiments get a look an hour; more, one less often."""


def enqueue_analyses(*, experiments: RunningExperiments, warehouse: Warehouse, jobs: JobPorts, now: datetime) -> int:
    """Submit an analysis for each running experiment of any workspace whose turn it is, and return how many were.

    An experiment that replays history (exposed before it was started) keeps a clock of its own and is analysed on demand only.
    One that fails is left to the next call, and does not keep the others from their looks.
    Idempotency: one analysis an experiment and hour.

    Raises:
        PresageError: The database or the warehouse fails for several in a row, or the database does not list them.
    """
    return submit_for_each(
        _choose(_list_all(experiments), now=now),
        lambda experiment: _enqueue(experiment, warehouse=warehouse, jobs=jobs, now=now),
        lambda experiment: f"experiment {experiment.experiment_id} gets no look in this call",
    )


def enqueue_refreshes(*, versions: ProductionVersions, experiments: RunningExperiments, jobs: JobPorts, now: datetime) -> int:
    """Submit a renewal of feature values for each model's version in production, of all workspaces, and return how many were.

    A model of which a running experiment compares versions waits: it would come to compare the age of their values.
    Idempotency: one a model and day.

    Raises:
        PresageError: The database does not list them or takes no jobs; those of before are submitted.
    """
    compared = {(found.workspace_id, found.model_id) for found in _list_all(experiments) if _compares_versions(found)}
    there = (version for version in iterate_in_production(versions) if (version.workspace_id, version.model_id) not in compared)
    return sum(_enqueue_refresh(version, jobs=jobs, now=now) for version in there)


def _enqueue_refresh(version: ModelVersion, *, jobs: JobPorts, now: datetime) -> bool:
    arguments, job_id = RefreshSnapshot(version.model_id), f"job_refresh_{version.model_id}_{now:%Y%m%d}"
    job = build_job(arguments, workspace_id=version.workspace_id, created_by=SYSTEM, now=now, job_id=job_id)
    return submit_once(job, ports=jobs, now=now)


def _compares_versions(experiment: Experiment) -> bool:
    return experiment.control_version is not None or any(arm.version != "production" for arm in experiment.plan.arms)


def _enqueue(experiment: Experiment, *, warehouse: Warehouse, jobs: JobPorts, now: datetime) -> bool:
    """Submit this hour's analysis unless there is one or the experiment does not live in the present; return whether it was."""
    job_id = f"job_{experiment.experiment_id}_{now:%Y%m%d%H}"
    if _has_job(experiment, job_id, jobs) or not _is_live(experiment, warehouse):
        return False
    arguments = AnalyseExperiment(experiment.experiment_id)
    job = build_job(arguments, workspace_id=experiment.workspace_id, created_by=SYSTEM, now=now, job_id=job_id)
    return submit_once(job, ports=jobs, now=now)


def _has_job(experiment: Experiment, job_id: str, jobs: JobPorts) -> bool:
    try:
        jobs.store.get_job(experiment.workspace_id, job_id)
    except NotFoundError:
        return False
    return True


def _is_live(experiment: Experiment, warehouse: Warehouse) -> bool:
    first = warehouse.get_first_exposure(experiment.workspace_id, experiment.experiment_id)
    return first is not None and experiment.started_at is not None and first >= experiment.started_at


def _choose(found: Sequence[Experiment], *, now: datetime) -> Sequence[Experiment]:
    """Return at most `MOST_A_RUN` of them: successive calls go round."""
    if len(found) <= MOST_A_RUN:
        return found
    start = int(now.timestamp()) // RUN_SECONDS * MOST_A_RUN % len(found)
    return [*found[start:], *found[:start]][:MOST_A_RUN]


def _list_all(experiments: RunningExperiments) -> Sequence[Experiment]:
    found: list[Experiment] = []
    while page := experiments.list_running(after=found[-1].experiment_id if found else "", limit=PAGE):
        found.extend(page)
    return found
