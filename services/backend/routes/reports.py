"""What the trainer told of a version: its metrics, its card, its plots."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.training.reports import CARD, CARD_TEXT, REPORT
from services.backend.routes.results import PLOT_POLICY
from services.backend.version_reports import read_plot, read_version_file

blueprint = Blueprint("reports", __name__, url_prefix="/models/<model_id>/versions/<int:version>")


@blueprint.get("/metrics")
def get_metrics(model_id: str, version: int) -> Response:
    """Return the report: metrics with intervals, by segment, what was tried, and the curves behind the plots."""
    return Response(read_version_file(model_id, version, REPORT), content_type="application/json")


@blueprint.get("/card")
def get_card(model_id: str, version: int) -> Response:
    """Return the model card."""
    return Response(read_version_file(model_id, version, CARD), content_type="application/json")


@blueprint.get("/card.md")
def get_card_text(model_id: str, version: int) -> Response:
    """Return the model card as Markdown."""
    return Response(read_version_file(model_id, version, CARD_TEXT), content_type="text/markdown; charset=utf-8")


@blueprint.get("/plots/<name>.svg")
def get_plot(model_id: str, version: int, name: str) -> Response:
    """Return one of the plots that the card names."""
    return Response(
        read_plot(model_id, version, name), content_type="image/svg+xml; charset=utf-8", headers={"content-security-policy": PLOT_POLICY}
    )
