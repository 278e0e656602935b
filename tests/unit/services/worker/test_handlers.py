"""What an analysis tells its user."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from presage.adapters.memory.credential_store import MemoryCredentialStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.import_files import MemoryImportFiles
from presage.adapters.memory.model_files import MemoryModelFiles
from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.memory.prediction_log import MemoryPredictionLog
from presage.adapters.memory.quarantine_store import MemoryQuarantineStore
from presage.adapters.memory.seen_ids import open_seen_ids
from presage.adapters.memory.snapshot_history import MemorySnapshotHistory
from presage.adapters.memory.spark_runner import MemorySparkRunner
from presage.adapters.memory.task_runner import MemoryTaskRunner
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.version_report_store import MemoryVersionReportStore
from presage.drift.use_cases import DriftPorts
from presage.features.sources.ports import ImportPorts
from presage.jobs.arguments import AnalyseExperiment
from presage.jobs.execution import JobResult
from presage.jobs.use_cases import SYSTEM, build_job
from presage.off_policy.use_cases import OffPolicyPorts
from presage.predictions.loading import ScorerCache
from presage.progress import ignore_progress
from presage.training.use_cases import BuildPorts
from services.worker.handlers import HandlerPorts, build_handlers
from services.worker.imports import ImportSources
from tests.fixtures.experiment_world import BEGIN, DAY, NOW, PLAN, World


def run_nothing(*_: object) -> Any:  # noqa: ANN401 - nothing is returned
    raise AssertionError("an analysis builds nothing")


def analyse(world: World, days: int) -> JobResult:
    """Do the hourly job, whose clock stands at the experiment's day."""
    build = BuildPorts(
        datasets=world.datasets,
        feature_sets=world.feature_sets,
        spark=MemorySparkRunner(run_nothing),
        tasks=MemoryTaskRunner(run_nothing),
        files=MemoryTrainingFiles(),
        versions=world.versions,
        clock=lambda: NOW,
        pause=lambda _: None,
    )
    lake = MemoryFeatureSetStore()
    ports = HandlerPorts(
        imports=ImportSources(
            world.datasets,
            ImportPorts(lake, lake, open_seen_ids),
            MemoryImportFiles({}),
            MemoryCredentialStore(),
            run_nothing,
            MemoryQuarantineStore({}),
            run_nothing,
        ),
        models=MemoryModelRegistry(),
        build=build,
        snapshots=MemorySnapshotHistory(),
        analysis=world.ports,
        off_policy=OffPolicyPorts(
            MemoryPredictionLog(),
            world.versions,
            MemorySnapshotHistory(),
            ScorerCache(MemoryModelFiles(Path())),
            world.datasets,
            world.feature_sets,
            MemoryVersionReportStore(),
        ),
        drift=DriftPorts(MemoryPredictionLog(), MemoryTrainingFiles(), MemoryVersionReportStore()),
        clock=lambda: BEGIN + days * DAY,
    )
    job = build_job(AnalyseExperiment(world.experiment.experiment_id), workspace_id="ws", created_by=SYSTEM, now=NOW)
    return build_handlers(ports)["analyse_experiment"](job, ignore_progress)


def split_badly(world: World) -> None:
    world.run(control=(700, 70), treatment=(1300, 400))


def differ_a_little(world: World) -> None:
    world.run(control=(1000, 100), treatment=(1000, 102))


@pytest.mark.parametrize(
    ("happen", "told"),
    [(split_badly, [True, False]), (differ_a_little, [False, False])],
)
def test_a_change_of_state_is_told_once_and_another_look_is_not(happen: Callable[[World], None], told: list[bool]) -> None:
    world = World(replace(PLAN, planned_units=8000))
    happen(world)
    assert [analyse(world, days).noteworthy for days in (8, 9)] == told


def test_a_conclusion_is_told() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    result = analyse(world, 8)
    assert result.noteworthy
    assert "concluded ship" in result.summary
