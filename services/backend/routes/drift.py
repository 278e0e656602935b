"""How far a version's predictions are from what it was trained on, day by day."""

from __future__ import annotations

from flask import Blueprint, Response

from services.backend.bodies import DriftBody, read_optional_body
from services.backend.context import get_ports
from services.backend.model_jobs import check_drift_of
from services.backend.submitting import respond_job
from services.backend.version_reports import get_place, respond_page, respond_report

blueprint = Blueprint("drift", __name__, url_prefix="/models/<model_id>/versions/<int:version>/drift-reports")


@blueprint.post("")
def create(model_id: str, version: int) -> Response:
    """Start a job that checks a day, yesterday unless another is named."""
    get_place(model_id, version)
    return respond_job(check_drift_of(model_id, version, read_optional_body(DriftBody).day))


@blueprint.get("")
def list_page(model_id: str, version: int) -> Response:
    """Return a page of the ids of the version's reports, in the order of their days."""
    return respond_page(get_ports().drift_reports, get_place(model_id, version), kind="report")


@blueprint.get("/<report_id>")
def get(model_id: str, version: int, report_id: str) -> Response:
    """Return what was found on a day."""
    return respond_report(get_ports().drift_reports, get_place(model_id, version), report_id, kind="report")
