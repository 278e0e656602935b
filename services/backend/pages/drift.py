"""How far what a version is asked is from what it was trained on: checks, day by day, and new ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, NotFoundError, PresageError
from presage.training.model import Model, ModelVersion
from services.backend.context import get_now, get_ports, get_user
from services.backend.model_jobs import check_drift_of, list_jobs_of
from services.backend.pages.charts import Chart, build_ranking
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.rendering import done, show

SPAN = timedelta(days=90)
"""The days of a page of reports."""
MOST_REPORTS = 1_000
blueprint = Blueprint("drift", __name__, url_prefix="/<model_id>/drift")


class DriftForm(msgspec.Struct, frozen=True):
    """A version's day to check: yesterday, unless another is named."""

    version: int
    day: date | None = None


@blueprint.get("")
def show_reports(model_id: str, error: PresageError | None = None) -> Response:
    """Show the checks of a version, the one in production unless another is named, and the newest in full."""
    model, version = _find_version(model_id)
    if version is None:
        return show("models/drift.html", model=model, version=None, error=error, report=None)
    until = _read_until()
    reports, jobs = _list_reports(version, until), list_jobs_of(model_id, "check_drift", version=version.version)
    newest = _read_report(version, reports[0]) if reports else None
    days = {"since": until - SPAN, "until": until, "yesterday": (get_now() - timedelta(days=1)).date()}
    told = {"reports": reports, "jobs": jobs, "days": days}
    return show("models/drift.html", model=model, version=version, error=error, report=newest, chart=_draw(newest), told=told)


@blueprint.get("/<int:version>/<report_id>")
def show_report(model_id: str, version: int, report_id: str) -> Response:
    """Show what a check found."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    model, found = ports.models.get_model(workspace_id, model_id), ports.versions.get_version(workspace_id, model_id, version)
    report = _read_report(found, report_id)
    if report is None:
        raise NotFoundError(f"Version {version} has no report {report_id[:64]!r}")
    return show("models/drift_report.html", model=model, version=found, report=report, chart=_draw(report))


@blueprint.post("")
def check(model_id: str) -> BaseResponse:
    """Start a job that checks a day."""

    def act() -> BaseResponse:
        form = read_form(DriftForm)
        check_drift_of(model_id, form.version, form.day)
        return done(url_for("pages.models.drift.show_reports", model_id=model_id, version=form.version), "The day is being checked.")

    return answer_form(act, lambda error: show_reports(model_id, error))


def _find_version(model_id: str) -> tuple[Model, ModelVersion | None]:
    """Return the model, and the version that is asked for or serves in production or, before any does, the newest."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    model = ports.models.get_model(workspace_id, model_id)
    named = request.values.get("version", type=int)
    if named is None:
        moves = ports.versions.list_alias_moves(workspace_id, model_id, "production")
        named = moves[0].version if moves else None
    if named is not None:
        return model, ports.versions.get_version(workspace_id, model_id, named)
    return model, next(iter(ports.versions.list_versions(workspace_id, model_id, limit=1)), None)


def _read_until() -> date:
    """Return the day before which the shown reports are."""
    text = request.args.get("until")
    if text is None:
        return get_now().astimezone(UTC).date() + timedelta(days=1)
    try:
        return max(date.fromisoformat(text), date.min + SPAN)
    except ValueError as error:
        raise InvalidInputError(f"until is a day such as 2026-01-31, got {text[:50]!r}", path="?until") from error


def _list_reports(version: ModelVersion, until: date) -> Sequence[str]:
    """Return the ids of the reports of the days before `until`, as many as a page has, newest first."""
    place, after = (version.model_id, version.version), (until - SPAN).isoformat()
    found = get_ports().drift_reports.list_reports(version.workspace_id, place, after=after, limit=MOST_REPORTS)
    return sorted((report_id for report_id in found if report_id < until.isoformat()), reverse=True)


def _read_report(version: ModelVersion, report_id: str) -> Any:  # noqa: ANN401 - decoded JSON
    body = get_ports().drift_reports.find_report(version.workspace_id, (version.model_id, version.version), report_id)
    return None if body is None else msgspec.json.decode(body)


def _draw(report: Any) -> Chart | None:  # noqa: ANN401 - decoded JSON
    if not report or not report["columns"]:
        return None
    farthest = sorted(report["columns"], key=lambda column: -column["distance"])
    return build_ranking(
        "How far each is from what it was trained on, from 0 to 1",
        [(each["name"], each["distance"]) for each in farthest],
        measure="distance",
    )
