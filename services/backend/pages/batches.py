"""Predictions for many entities at once: asked for, followed, and fetched."""

from __future__ import annotations

from typing import Annotated

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.batch_predictions.reading import get_batch_prediction
from presage.errors import PresageError
from presage.listing import ListQuery
from presage.tenancy.permissions import authorise
from presage.training.model import Alias
from services.backend.bodies import BatchPredictionBody
from services.backend.context import get_ports, get_user
from services.backend.model_jobs import list_jobs_of, predict_batch_of
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.rendering import done, show

MOST_DATASETS = 200
blueprint = Blueprint("batches", __name__, url_prefix="/<model_id>/batch-predictions")


class BatchForm(msgspec.Struct, frozen=True):
    """Whom to score, and by which version: a number, or the one that serves under the alias."""

    alias: Alias = "production"
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None
    dataset: str | None = None


@blueprint.get("")
def list_page(model_id: str, error: PresageError | None = None) -> Response:
    """Show the newest batch predictions, and the form of another."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    return show(
        "models/batches.html",
        model=ports.models.get_model(workspace_id, model_id),
        error=error,
        jobs=list_jobs_of(model_id, "predict_batch"),
        datasets=ports.listings.datasets.search(workspace_id, ListQuery("name", limit=MOST_DATASETS)).items,
    )


@blueprint.post("")
def create(model_id: str) -> BaseResponse:
    """Start a job that scores a dataset's entities, or all that the version's snapshot knows."""

    def act() -> BaseResponse:
        form = read_form(BatchForm)
        predict_batch_of(model_id, BatchPredictionBody(version=form.version, alias=form.alias, dataset=form.dataset))
        return done(url_for("pages.models.batches.list_page", model_id=model_id), "The predictions are being made.")

    return answer_form(act, lambda error: list_page(model_id, error))


@blueprint.get("/<job_id>")
def show_results(model_id: str, job_id: str) -> Response:
    """Show what a job predicted, with links to its files."""
    workspace_id, ports = authorise(get_user(), "rows.read"), get_ports()
    model = ports.models.get_model(workspace_id, model_id)
    found = get_batch_prediction(model_id, job_id, workspace_id=workspace_id, results=ports.batch_results)
    return show("models/batch.html", model=model, found=found)
