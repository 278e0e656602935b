"""How far a version's predictions are from what it was trained on, day by day."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response

from presage.errors import InvalidInputError, NotFoundError
from presage.jobs.arguments import CheckDrift
from presage.runtime.http import respond
from services.backend.bodies import DriftBody, read_optional_body
from services.backend.context import get_now, get_place, get_ports, get_user
from services.backend.paging import Page, read_page
from services.backend.submitting import submit

blueprint = Blueprint("drift", __name__, url_prefix="/models/<model_id>/versions/<int:version>/drift-reports")


@blueprint.post("")
def create(model_id: str, version: int) -> Response:
    """Start a job that checks a day, yesterday unless another is named."""
    get_place(model_id, version)
    now = get_now()
    day = read_optional_body(DriftBody).day or (now - timedelta(days=1)).date()
    if day > now.date():
        raise InvalidInputError(f"{day.isoformat()} is to come (UTC)", path="$.day")
    return submit(CheckDrift(model_id, version, day.isoformat()))


@blueprint.get("")
def list_page(model_id: str, version: int) -> Response:
    """Return a page of the ids of the version's reports, in the order of their days."""
    store, place, workspace_id = get_ports().drift_reports, get_place(model_id, version), get_user().workspace_id
    items, following = read_page(lambda after, limit: store.list_reports(workspace_id, place, after=after, limit=limit), identify=str)
    return respond(Page([{"report_id": report_id} for report_id in items], following))


@blueprint.get("/<report_id>")
def get(model_id: str, version: int, report_id: str) -> Response:
    """Return what was found on a day."""
    body = get_ports().drift_reports.find_report(get_user().workspace_id, get_place(model_id, version), report_id)
    if body is None:
        raise NotFoundError(f"Version {version} has no report {report_id[:64]!r}")
    return Response(body, content_type="application/json")
