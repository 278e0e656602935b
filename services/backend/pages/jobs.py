"""Background jobs: their progress, what they were asked for, and stopping them."""

from __future__ import annotations

from typing import get_args

from flask import Blueprint, Response, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.jobs.model import Job, JobKind, JobState
from presage.jobs.retrying import may_retry, retry_job
from presage.jobs.use_cases import cancel_job
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import done, show

CHOICES = {"state": get_args(JobState), "kind": get_args(JobKind)}
UNENDED = frozenset({"queued", "running"})
blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the jobs."""
    return show("jobs/list.html", view=read_list(get_ports().listings.jobs, choices=CHOICES))


@blueprint.get("/<job_id>")
def show_job(job_id: str) -> Response:
    """Show a job."""
    job = _get_job(job_id)
    return show("jobs/job.html", job=job, may_retry=may_retry(job, by=get_user()))


@blueprint.get("/<job_id>/progress")
def show_progress(job_id: str) -> Response:
    """Return the part of a job's page that changes; when the job has ended, the page is to be loaded anew."""
    job = _get_job(job_id)
    headers = {} if job.state in UNENDED else {"hx-refresh": "true"}
    return Response(render_template("jobs/progress.html", job=job), headers=headers, content_type="text/html; charset=utf-8")


@blueprint.post("/<job_id>/cancel")
def cancel(job_id: str) -> BaseResponse:
    """Cancel a job."""
    job = cancel_job(job_id, by=get_user(), now=get_now(), ports=get_ports().jobs)
    said = "The job is cancelled." if job.state == "cancelled" else "The job will stop at its next safe point."
    return done(url_for("pages.jobs.show_job", job_id=job_id), said)


@blueprint.post("/<job_id>/retry")
def retry(job_id: str) -> BaseResponse:
    """Submit a job that failed or was cancelled again."""
    job = retry_job(job_id, by=get_user(), now=get_now(), ports=get_ports().jobs)
    return done(url_for("pages.jobs.show_job", job_id=job.job_id), "The job is tried again, as this one.")


def _get_job(job_id: str) -> Job:
    return get_ports().jobs.store.get_job(get_user().workspace_id, job_id)
