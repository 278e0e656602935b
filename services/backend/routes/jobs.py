"""Background jobs and notifications."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.jobs.model import JobKind, JobState
from presage.jobs.retrying import retry_job
from presage.jobs.use_cases import cancel_job
from presage.runtime.http import respond
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_choices, read_page
from services.backend.submitting import respond_job
from services.backend.views import view_job

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/jobs")
def list_page() -> Response:
    """Return a page of the workspace's jobs, newest first, of the states and kinds that are asked for."""
    store, workspace_id = get_ports().jobs.store, get_user().workspace_id
    states, kinds = read_choices("state", JobState), read_choices("kind", JobKind)
    items, following = read_page(
        lambda after, limit: store.list_jobs(workspace_id, before=after, limit=limit, states=states, kinds=kinds),
        identify=lambda job: job.job_id,
    )
    return respond(Page([view_job(job) for job in items], following))


@blueprint.get("/jobs/<job_id>")
def get(job_id: str) -> Response:
    """Return a job with its progress."""
    return respond(view_job(get_ports().jobs.store.get_job(get_user().workspace_id, job_id)))


@blueprint.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response:
    """Cancel a waiting job at once; ask a running one to stop at its next safe point."""
    return respond(view_job(cancel_job(job_id, by=get_user(), now=get_now(), ports=get_ports().jobs)))


@blueprint.post("/jobs/<job_id>/retry")
def retry(job_id: str) -> Response:
    """Submit what failed or was cancelled again, as a new job."""
    return respond_job(retry_job(job_id, by=get_user(), now=get_now(), ports=get_ports().jobs))


@blueprint.get("/notifications")
def list_notifications() -> Response:
    """Return a page of the workspace's notifications, newest first."""
    store, workspace_id = get_ports().notifications, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: store.list_notifications(workspace_id, before=after, limit=limit),
        identify=lambda notification: notification.notification_id,
    )
    return respond(Page(items, following))
