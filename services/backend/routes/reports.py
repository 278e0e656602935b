"""What the trainer told of a version: its metrics, its card, its plots."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.errors import NotFoundError
from presage.training.reports import CARD, CARD_TEXT, PLOT_NAMES, PLOTS, REPORT
from services.backend.context import get_ports, get_user
from services.backend.routes.results import PLOT_POLICY

blueprint = Blueprint("reports", __name__, url_prefix="/models/<model_id>/versions/<int:version>")


@blueprint.get("/metrics")
def get_metrics(model_id: str, version: int) -> Response:
    """Return the report: metrics with intervals, by segment, what was tried, and the curves behind the plots."""
    return Response(_read(model_id, version, REPORT), content_type="application/json")


@blueprint.get("/card")
def get_card(model_id: str, version: int) -> Response:
    """Return the model card."""
    return Response(_read(model_id, version, CARD), content_type="application/json")


@blueprint.get("/card.md")
def get_card_text(model_id: str, version: int) -> Response:
    """Return the model card as Markdown."""
    return Response(_read(model_id, version, CARD_TEXT), content_type="text/markdown; charset=utf-8")


@blueprint.get("/plots/<name>.svg")
def get_plot(model_id: str, version: int, name: str) -> Response:
    """Return one of the plots that the card names."""
    if name not in PLOT_NAMES:
        raise NotFoundError(f"there is no plot {name[:50]!r}; there are {', '.join(PLOT_NAMES)}")
    body = _read(model_id, version, f"{PLOTS}{name}.svg")
    return Response(body, content_type="image/svg+xml; charset=utf-8", headers={"content-security-policy": PLOT_POLICY})


def _read(model_id: str, version: int, name: str) -> bytes:
    ports, workspace_id = get_ports(), get_user().workspace_id
    found = ports.versions.get_version(workspace_id, model_id, version)
    body = ports.reports.find_report_file(workspace_id, (found.model_id, found.version), name)
    if body is None:
        raise NotFoundError(f"version {version} of {model_id} has no {name}: it was built before there were reports, or its kind has none")
    return body
