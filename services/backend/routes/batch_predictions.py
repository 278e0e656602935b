"""Predictions for many entities at once."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.batch_predictions.reading import get_batch_prediction, get_row
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.bodies import BatchPredictionBody, read_optional_body
from services.backend.context import get_ports, get_user
from services.backend.model_jobs import predict_batch_of
from services.backend.submitting import respond_job

blueprint = Blueprint("batch_predictions", __name__, url_prefix="/models/<model_id>/batch-predictions")


@blueprint.post("")
def create(model_id: str) -> Response:
    """Start a job that scores a dataset's entities, an uploaded file's, or all that the version's snapshot knows."""
    return respond_job(predict_batch_of(model_id, read_optional_body(BatchPredictionBody)))


@blueprint.get("/<job_id>")
def get(model_id: str, job_id: str) -> Response:
    """Return what a job predicted, once it has ended, with links to the files."""
    workspace_id = authorise(get_user(), "rows.read")
    return respond(get_batch_prediction(model_id, job_id, workspace_id=workspace_id, results=get_ports().batch_results))


@blueprint.get("/<job_id>/predictions/<prediction_id>")
def get_prediction(model_id: str, job_id: str, prediction_id: str) -> Response:
    """Return one prediction of a job."""
    workspace_id = authorise(get_user(), "rows.read")
    return respond(get_row(model_id, job_id, prediction_id, workspace_id=workspace_id, results=get_ports().batch_results))
