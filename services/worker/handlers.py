"""What each kind of job does: its arguments and the stores in, a use case, a line for the user out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from presage.drift.use_cases import DriftPorts
from presage.experiments.decision import CONCLUDED
from presage.experiments.use_cases import AnalysisPorts, analyse_experiment
from presage.jobs.arguments import AnalyseExperiment, BuildModel
from presage.jobs.execution import Handler, JobResult
from presage.jobs.model import Job, JobKind
from presage.off_policy.use_cases import OffPolicyPorts
from presage.progress import Progress
from presage.training.ports import ModelRegistry, SnapshotHistory
from presage.training.refresh import VersionPorts
from presage.training.use_cases import BuildOrder, BuildPorts, build_model
from services.worker.batch import run_batch, run_refresh
from services.worker.drift import run_drift_check
from services.worker.imports import ImportSources, run_import
from services.worker.off_policy import run_off_policy

ArgumentsT = TypeVar("ArgumentsT")


@dataclass(frozen=True, slots=True)
class HandlerPorts:
    """What the jobs work on."""

    imports: ImportSources
    models: ModelRegistry
    build: BuildPorts
    snapshots: SnapshotHistory
    analysis: AnalysisPorts
    off_policy: OffPolicyPorts
    drift: DriftPorts
    clock: Callable[[], datetime]

    @property
    def versions(self) -> VersionPorts:
        """What jobs on versions that are there work on."""
        return VersionPorts(self.build, self.snapshots)


def build_handlers(ports: HandlerPorts) -> Mapping[JobKind, Handler]:
    """Return the handler of every kind of job."""
    return {
        "import_file": lambda job, progress: run_import(job, progress, ports.imports),
        "import_amplitude": lambda job, progress: run_import(job, progress, ports.imports),
        "import_warehouse": lambda job, progress: run_import(job, progress, ports.imports),
        "build_model": lambda job, progress: _build_model(job, progress, ports),
        "analyse_experiment": lambda job, progress: _analyse_experiment(job, progress, ports),
        "predict_batch": lambda job, progress: run_batch(job, progress, models=ports.models, ports=ports.versions),
        "refresh_snapshot": lambda job, progress: run_refresh(job, progress, models=ports.models, ports=ports.versions),
        "estimate_off_policy": lambda job, progress: run_off_policy(job, progress, models=ports.models, ports=ports.off_policy),
        "check_drift": lambda job, progress: run_drift_check(
            job, progress, models=ports.models, versions=ports.build.versions, ports=ports.drift
        ),
    }


def _build_model(job: Job, progress: Progress, ports: HandlerPorts) -> JobResult:
    arguments = _read_arguments(job, BuildModel)
    model = ports.models.get_model(job.workspace_id, arguments.model_id)
    version = build_model(
        model=model,
        order=BuildOrder(arguments.version, arguments.cutoff, arguments.alias, arguments.promote),
        ports=ports.build,
        progress=progress,
        checkpoint=job.checkpoint,
    )
    (serving, *_) = ports.build.versions.list_alias_moves(job.workspace_id, model.model_id, arguments.alias)
    is_there = serving.version == version.version
    place = f"in {arguments.alias}" if is_there else f"registered; version {serving.version} is in {arguments.alias}"
    summary = f"Version {version.version} of {model.name} is {place}"
    return JobResult(summary, {"version": version.version, "training_set_id": version.training_set_id})


def _analyse_experiment(job: Job, progress: Progress, ports: HandlerPorts) -> JobResult:
    arguments, now = _read_arguments(job, AnalyseExperiment), ports.clock()
    before = ports.analysis.store.get_experiment(job.workspace_id, arguments.experiment_id).state
    look = analyse_experiment(
        job.workspace_id, arguments.experiment_id, as_of=arguments.as_of or now, now=now, ports=ports.analysis, progress=progress
    )
    values = {"experiment_id": arguments.experiment_id, "look": look.number, "decision": look.decision}
    summary = f"Look {look.number} at {arguments.experiment_id}: {look.decision.replace('_', ' ')}"
    return JobResult(summary, values, noteworthy=look.decision in CONCLUDED or look.decision != before)


def _read_arguments(job: Job, arguments_type: type[ArgumentsT]) -> ArgumentsT:
    return msgspec.convert(job.arguments, arguments_type)
