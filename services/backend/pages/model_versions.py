"""One version of a model: how good it is, what it was made from, and what was told of it."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response

from presage.errors import NotFoundError
from presage.training.lineage import trace_version
from presage.training.model import Model, ModelVersion
from presage.training.reports import CARD, CARD_TEXT, PLOT_NAMES, REPORT
from services.backend.context import get_ports, get_user
from services.backend.pages.rendering import show
from services.backend.version_reports import read_plot, read_version_file

MOST_PARTS = 100
"""Of a dataset, on a page; the workspace API lists them all."""
blueprint = Blueprint("versions", __name__, url_prefix="/<model_id>/versions/<int:version>")


@blueprint.get("")
def show_metrics(model_id: str, version: int) -> Response:
    """Show how good the version is beside its baseline, by segment too, and the trainer's plots."""
    model, found = _get_version(model_id, version)
    report, card = _find_file(found, REPORT), _find_file(found, CARD)
    return show(
        "models/metrics.html",
        model=model,
        version=found,
        metrics=found.metrics,
        segments=report.get("segments") or {},
        confusion=report.get("confusion"),
        plots=[name for name in card.get("plots", ()) if name in PLOT_NAMES],
        has_report=bool(report),
    )


@blueprint.get("/plots/<name>.svg")
def show_plot(model_id: str, version: int, name: str) -> Response:
    """Return one of the trainer's plots, for a page to show as an image."""
    return Response(read_plot(model_id, version, name), content_type="image/svg+xml; charset=utf-8")


@blueprint.get("/training-set")
def show_training_set(model_id: str, version: int) -> Response:
    """Show the statistics of the training set, and what naive joins would have got wrong."""
    model, found = _get_version(model_id, version)
    documents = [
        get_ports().recipes.find_document(found.workspace_id, found.training_set_id, name) for name in ("statistics", "leak_report")
    ]
    statistics, leaks = (None if document is None else msgspec.json.decode(document) for document in documents)
    return show("models/training_set.html", model=model, version=found, statistics=statistics, leaks=leaks)


@blueprint.get("/card")
def show_card(model_id: str, version: int) -> Response:
    """Show the model card."""
    model, found = _get_version(model_id, version)
    return show("models/card.html", model=model, version=found, card=_find_file(found, CARD))


@blueprint.get("/card.md")
def download_card(model_id: str, version: int) -> Response:
    """Return the model card as a file of Markdown."""
    body = read_version_file(model_id, version, CARD_TEXT)
    name = f"{get_ports().models.get_model(get_user().workspace_id, model_id).name}-{version}.md"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(body, content_type="text/markdown; charset=utf-8", headers=headers)


@blueprint.get("/lineage")
def show_lineage(model_id: str, version: int) -> Response:
    """Show what the version was made from, down to the parts of the datasets."""
    model, found = _get_version(model_id, version)
    try:
        traced, gone = trace_version(found, get_ports().recipes), ""
    except NotFoundError as error:
        traced, gone = None, str(error)
    return show("models/lineage.html", model=model, version=found, traced=traced, gone=gone, most_parts=MOST_PARTS)


def _get_version(model_id: str, version: int) -> tuple[Model, ModelVersion]:
    ports, workspace_id = get_ports(), get_user().workspace_id
    return ports.models.get_model(workspace_id, model_id), ports.versions.get_version(workspace_id, model_id, version)


def _find_file(version: ModelVersion, name: str) -> Any:  # noqa: ANN401 - decoded JSON
    """Return one of the trainer's files as JSON, an empty object where there is none."""
    body = get_ports().reports.find_report_file(version.workspace_id, (version.model_id, version.version), name)
    return {} if body is None else msgspec.json.decode(body)
