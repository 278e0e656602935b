"""Builds models anew by their policies: which, when, and why."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from presage.drift.model import DriftReport
from presage.jobs.arguments import BuildModel
from presage.jobs.use_cases import JobPorts, build_job, submit_once
from presage.training.ports import ModelRegistry, RetrainingPolicyStore, VersionRegistry, VersionReportStore
from presage.training.retraining import RetrainingPolicy, find_reason
from services.worker.submissions import submit_for_each

PAGE = 100
_LOG = logging.getLogger("presage.worker")


@dataclass(frozen=True, slots=True)
class RetrainingPorts:
    """What retraining is decided with."""

    policies: RetrainingPolicyStore
    models: ModelRegistry
    versions: VersionRegistry
    drift_reports: VersionReportStore
    jobs: JobPorts


def enqueue_retrainings(*, ports: RetrainingPorts, now: datetime) -> int:
    """Submit a build for each model of any workspace whose policy says so, and return how many were.

    A model without a version in production is not built by itself. One that fails is left to the next night.
    Idempotency: one build a model and day.

    Raises:
        PresageError: A store fails for several models in a row, or the database does not list the policies.
    """
    return submit_for_each(
        _list_all(ports.policies),
        lambda policy: _enqueue(policy, ports=ports, now=now),
        lambda policy: f"model {policy.model_id} is not built anew in this call",
    )


def _enqueue(policy: RetrainingPolicy, *, ports: RetrainingPorts, now: datetime) -> bool:
    workspace_id, model_id = policy.workspace_id, policy.model_id
    moves = ports.versions.list_alias_moves(workspace_id, model_id, "production")
    newest = ports.versions.list_versions(workspace_id, model_id, limit=1)
    if not moves or not newest:
        return False
    drifted = _read_drifted(policy, moves[0].version, ports.drift_reports, now=now) if policy.on_drift else ()
    reason = find_reason(policy, newest=newest[0], drifted=drifted, now=now)
    if reason is None:
        return False
    version = ports.models.reserve_version(workspace_id, model_id)
    arguments = BuildModel(model_id, version, now, "production", promote="if_better")
    job = build_job(
        arguments, workspace_id=workspace_id, created_by=policy.changed_by, now=now, job_id=f"job_retrain_{model_id}_{now:%Y%m%d}"
    )
    if not submit_once(job, ports=ports.jobs, now=now):
        return False
    _LOG.info("model %s is built anew: %s", model_id, reason)
    return True


def _read_drifted(policy: RetrainingPolicy, version: int, reports: VersionReportStore, *, now: datetime) -> tuple[str, ...]:
    """Return what had drifted on the last UTC day that was checked, which is yesterday's or the day before's."""
    today = now.astimezone(UTC).date()
    for back in (1, 2):
        day = (today - timedelta(days=back)).isoformat()
        body = reports.find_report(policy.workspace_id, (policy.model_id, version), day)
        if body is not None:
            return msgspec.json.decode(body, type=DriftReport).drifted
    return ()


def _list_all(policies: RetrainingPolicyStore) -> Iterator[RetrainingPolicy]:
    after = ""
    while page := policies.list_policies(after=after, limit=PAGE):
        yield from page
        after = page[-1].model_id
