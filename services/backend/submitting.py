"""Answers 202 with the job that will do what was asked."""

from __future__ import annotations

from flask import Response

from presage.jobs.model import Job
from presage.jobs.use_cases import Arguments, request_job
from presage.runtime.http import respond
from services.backend.context import get_now, get_ports, get_user
from services.backend.views import view_job


def submit(arguments: Arguments) -> Response:
    """Submit a job of the caller and return it as accepted."""
    return respond_job(request_job(arguments, by=get_user(), now=get_now(), ports=get_ports().jobs))


def respond_job(job: Job) -> Response:
    """Return a job as accepted."""
    return respond(view_job(job), 202, {"location": f"/api/v1/jobs/{job.job_id}"})
