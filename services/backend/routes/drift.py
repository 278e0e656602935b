"""How far a version's predictions are from what it was trained on, day by day."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response

from presage.errors import InvalidInputError
from presage.jobs.arguments import CheckDrift
from services.backend.bodies import DriftBody, read_optional_body
from services.backend.context import get_now, get_ports
from services.backend.submitting import submit
from services.backend.version_reports import get_place, respond_page, respond_report

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
    return respond_page(get_ports().drift_reports, get_place(model_id, version), kind="report")


@blueprint.get("/<report_id>")
def get(model_id: str, version: int, report_id: str) -> Response:
    """Return what was found on a day."""
    return respond_report(get_ports().drift_reports, get_place(model_id, version), report_id, kind="report")
