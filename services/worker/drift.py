"""The jobs that watch versions for drift: which days are checked, and what a user is told of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from presage.drift.model import DriftReport
from presage.drift.use_cases import DriftPorts, check_drift
from presage.jobs.arguments import CheckDrift
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.jobs.use_cases import SYSTEM, JobPorts, build_job, submit_once
from presage.progress import Progress
from presage.training.model import ModelVersion
from presage.training.ports import ModelRegistry, ProductionVersions, VersionRegistry
from presage.training.served import iterate_in_production


def run_drift_check(job: Job, progress: Progress, *, models: ModelRegistry, versions: VersionRegistry, ports: DriftPorts) -> JobResult:
    """Check the day, and tell the workspace of a day that drifted even when nobody asked."""
    arguments = msgspec.convert(job.arguments, CheckDrift)
    model = models.get_model(job.workspace_id, arguments.model_id)
    version = versions.get_version(job.workspace_id, arguments.model_id, arguments.version)
    report = check_drift(version, date.fromisoformat(arguments.day), now=job.created_at, ports=ports, progress=progress)
    values = {"report_id": report.report_id, "model_id": report.model_id, "version": report.version, "drifted": list(report.drifted)}
    return JobResult(describe(report, model.name), values, noteworthy=bool(report.drifted))


def describe(report: DriftReport, model_name: str) -> str:
    """Return the line that the user is told."""
    of = f"version {report.version} of {model_name} on {report.day.isoformat()} ({report.entities} entities)"
    if not report.drifted:
        undecided = sum(column.state == "undecided" for column in report.columns)
        return f"No drift seen in {of}; {undecided} of {len(report.columns)} distributions have too few entities to tell"
    worst = next(column for column in report.columns if column.name == report.drifted[0])
    others = f" and {len(report.drifted) - 1} more" if len(report.drifted) > 1 else ""
    return f"Drift in {of}: {worst.name} is {worst.distance:.2f} away from its training set (at least {worst.lower:.2f}){others}"


def enqueue_drift_checks(*, versions: ProductionVersions, jobs: JobPorts, now: datetime) -> int:
    """Submit a check of the last UTC day for each version in production that was there on it, and return how many were.

    Idempotency: one check a version and day.

    Raises:
        UnavailableError: The database did not answer.
    """
    day = now.astimezone(UTC).date() - timedelta(days=1)
    there = (version for version in iterate_in_production(versions) if version.created_at.astimezone(UTC).date() <= day)
    return sum(_enqueue(version, day, jobs=jobs, now=now) for version in there)


def _enqueue(version: ModelVersion, day: date, *, jobs: JobPorts, now: datetime) -> bool:
    arguments = CheckDrift(version.model_id, version.version, day.isoformat())
    job_id = f"job_drift_{version.model_id}_{version.version}_{day:%Y%m%d}"
    job = build_job(arguments, workspace_id=version.workspace_id, created_by=SYSTEM, now=now, job_id=job_id)
    return submit_once(job, ports=jobs, now=now)
