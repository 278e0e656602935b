"""Answers 202 with the job that will do what was asked."""

from __future__ import annotations

from flask import Response

from presage.jobs.use_cases import Arguments, build_job, submit_job
from presage.runtime.http import respond
from services.backend.context import get_now, get_ports, get_user
from services.backend.views import view_job


def submit(arguments: Arguments) -> Response:
    """Submit a job of the caller and return it as accepted; its row is durable, its message follows by itself."""
    user, now = get_user(), get_now()
    job = build_job(arguments, workspace_id=user.workspace_id, created_by=user.user_id, now=now)
    submit_job(job, ports=get_ports().jobs, now=now)
    return respond(view_job(job), 202, {"location": f"/api/v1/jobs/{job.job_id}"})
