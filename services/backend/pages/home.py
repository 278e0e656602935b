"""The first page: what needs somebody."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.jobs.model import Job
from presage.listing import ListQuery
from services.backend.context import get_ports, get_user
from services.backend.pages.rendering import show

SHOWN = 5
NEEDING_JOBS = ("failed", "quarantined")
blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def show_home() -> Response:
    """Show failed jobs, what runs, experiments, and the newest notifications."""
    lists, workspace_id = get_ports().listings, get_user().workspace_id
    newest = ListQuery("created_at", descending=True, limit=SHOWN)
    return show(
        "home.html",
        troubled=[job for state in NEEDING_JOBS for job in _list_jobs(state)],
        running=_list_jobs("running"),
        experiments=lists.experiments.search(workspace_id, newest).items,
        notifications=lists.notifications.search(workspace_id, newest).items,
        is_new=not lists.datasets.search(workspace_id, ListQuery("name", limit=1)).items,
    )


def _list_jobs(state: str) -> list[Job]:
    query = ListQuery("created_at", descending=True, filters={"state": state}, limit=SHOWN)
    return list(get_ports().listings.jobs.search(get_user().workspace_id, query).items)
