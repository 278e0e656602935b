"""Predictions: ask for them, read one back."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response

from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import get_prediction, predict
from presage.runtime.http import note, read_json, respond
from services.public_api.context import get_ports, get_workspace_id

blueprint = Blueprint("predictions", __name__)


@blueprint.post("/predict")
def post_predict() -> Response:
    """Answer every entry of the request."""
    ports = get_ports()
    body = read_json(PredictRequest)
    note(model=body.model, entries=len(body.features))
    return respond(predict(body, workspace_id=get_workspace_id(), ports=ports.predictions, now=ports.now()))


@blueprint.get("/predictions/<uuid:prediction_id>")
def get_prediction_by_id(prediction_id: UUID) -> Response:
    """Answer what the log holds of a prediction."""
    log = get_ports().predictions.log
    return respond(get_prediction(workspace_id=get_workspace_id(), prediction_id=str(prediction_id), log=log))
