"""The job that judges a version by the log, from its row to what its user is told."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import msgspec
import pytest

from presage.adapters.memory.job_store import MemoryJobStore
from presage.adapters.memory.model_registry import MemoryModelRegistry
from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.jobs.arguments import EstimateOffPolicy
from presage.jobs.execution import Execution, run_job
from presage.jobs.model import Job
from presage.jobs.use_cases import build_job
from services.worker.off_policy import run_off_policy
from tests.fixtures.judged import EXPLORED, LATER, Judging
from tests.fixtures.serving import WORKSPACE, build_world

ASKED = EstimateOffPolicy("mdl_films", 2, "took", "taken", "film", 24, 3, 0.05)
UNITS = [f"u{number}" for number in range(400)]


@pytest.fixture
def judging(tmp_path: Path) -> Judging:
    return Judging(build_world(tmp_path))


def play(judging: Judging) -> None:
    results = judging.predict_all([{"id": unit, **EXPLORED} for unit in UNITS])
    judging.react(UNITS, results, lambda film, place: 0.8 if film == "f4" else 0.1 / (1 + place), seed=1)
    judging.land()


def run(judging: Judging, arguments: EstimateOffPolicy = ASKED) -> tuple[Job, str]:
    """Run the job as the worker does, and return its row and what its user is told."""
    models, store, notifications = MemoryModelRegistry(), MemoryJobStore(), MemoryNotificationStore()
    models.create_model(judging.model)
    job = build_job(arguments, workspace_id=WORKSPACE, created_by="usr_ann", now=LATER)
    store.create_job(job)
    handlers = {job.kind: lambda job, progress: run_off_policy(job, progress, models=models, ports=judging.ports())}
    execution = Execution(store, notifications, handlers, lambda: LATER, Event())
    assert run_job(WORKSPACE, job.job_id, execution=execution) == "done"
    (told,) = notifications.list_notifications(WORKSPACE)
    return store.get_job(WORKSPACE, job.job_id), f"{told.subject}: {told.body}"


def test_the_estimate_is_kept_under_the_jobs_id_and_its_user_is_told(judging: Judging) -> None:
    play(judging)
    job, told = run(judging)
    assert job.state == "succeeded", told
    assert job.result["estimate_id"] == job.job_id
    kept = judging.estimates.find_report(WORKSPACE, ("mdl_films", 2), job.job_id)
    assert kept is not None
    robust = msgspec.json.decode(kept)["judged"]["doubly_robust"]
    assert told.startswith(f"Estimate off policy succeeded: Version 2 of films would have {robust['value']:.4g} hits a list")
    assert "against the logging" in told
    assert told.endswith("400 of 400 predictions used")


def test_what_it_would_explore_and_the_baseline_are_asked_for_by_the_row(judging: Judging) -> None:
    play(judging)
    job, told = run(judging, replace(ASKED, alpha=0.1, baseline_version=1, epsilon=0.2, among=3))
    kept = judging.estimates.find_report(WORKSPACE, ("mdl_films", 2), job.job_id)
    assert kept is not None
    question = msgspec.json.decode(kept)["question"]
    assert (question["exploration"], question["baseline_version"], question["alpha"]) == ({"epsilon": 0.2, "among": 3}, 1, 0.1)
    assert "against the baseline" in told


def test_a_log_that_says_nothing_says_why(judging: Judging) -> None:
    job, told = run(judging)
    assert job.state == "succeeded"
    assert (
        told == "Estimate off policy succeeded: Version 2 of films cannot be judged: no prediction could be used (0 of 0 predictions used)"
    )


def test_a_version_that_is_not_there_fails_the_job(judging: Judging) -> None:
    job, told = run(judging, replace(ASKED, version=9))
    assert (job.state, job.result["code"]) == ("failed", "not_found")
    assert told.startswith("Estimate off policy failed")
