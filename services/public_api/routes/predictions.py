"""Predictions: ask for them, read one back."""

from __future__ import annotations

import re

from flask import Blueprint, Response

from presage.errors import NotFoundError
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import get_prediction, predict
from presage.runtime.http import note, read_json, respond
from services.public_api.access import require_features
from services.public_api.context import get_caller, get_ports, get_workspace_id
from services.public_api.keyed import once

blueprint = Blueprint("predictions", __name__)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@blueprint.post("/predict")
@once
def post_predict() -> Response:
    """Answer every entry of the request."""
    ports = get_ports()
    body = read_json(PredictRequest)
    require_features(get_caller(), body)
    note(model=body.model, entries=len(body.features))
    return respond(predict(body, workspace_id=get_workspace_id(), ports=ports.predictions, now=ports.now()))


@blueprint.get("/predictions/<prediction_id>")
def get_prediction_by_id(prediction_id: str) -> Response:
    """Answer what the log holds of a prediction."""
    if not _UUID.fullmatch(prediction_id):
        raise NotFoundError(f"There is no prediction {prediction_id[:64]!r}")
    log = get_ports().predictions.log
    return respond(get_prediction(workspace_id=get_workspace_id(), prediction_id=prediction_id.lower(), log=log))
