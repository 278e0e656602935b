"""What `cron.yaml` starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from presage.errors import AlreadyExistsError
from presage.experiments.model import Experiment
from presage.experiments.ports import RunningExperiments, Warehouse
from presage.jobs.arguments import AnalyseExperiment
from presage.jobs.use_cases import SYSTEM, JobPorts, build_job, submit_job

PAGE = 100


def enqueue_analyses(*, experiments: RunningExperiments, warehouse: Warehouse, jobs: JobPorts, now: datetime) -> int:
    """Submit an analysis for each running experiment of any workspace and return how many were.

    An experiment that replays history (exposed before it was started) keeps a clock of its own and is analysed on demand only.
    Idempotency: one analysis an experiment and hour.

    Raises:
        UnavailableError: The database or the warehouse did not answer; the next call goes on.
    """
    submitted = 0
    for experiment in _list_all(experiments):
        if not _is_live(experiment, warehouse):
            continue
        job = build_job(
            AnalyseExperiment(experiment.experiment_id),
            workspace_id=experiment.workspace_id,
            created_by=SYSTEM,
            now=now,
            job_id=f"job_{experiment.experiment_id}_{now:%Y%m%d%H}",
        )
        try:
            submit_job(job, ports=jobs, now=now)
        except AlreadyExistsError:
            continue
        submitted += 1
    return submitted


def _is_live(experiment: Experiment, warehouse: Warehouse) -> bool:
    first = warehouse.get_first_exposure(experiment.workspace_id, experiment.experiment_id)
    return first is not None and experiment.started_at is not None and first >= experiment.started_at


def _list_all(experiments: RunningExperiments) -> Iterator[Experiment]:
    after = ""
    while page := experiments.list_running(after=after, limit=PAGE):
        yield from page
        after = page[-1].experiment_id
