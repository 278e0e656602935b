"""The prediction log."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request

from presage.errors import InvalidInputError, NotFoundError
from presage.predictions.ports import PredictionPage
from presage.predictions.replay import replay_prediction
from presage.runtime.http import respond
from services.backend.context import get_ports, get_user
from services.backend.paging import Page, read_limit

blueprint = Blueprint("predictions", __name__, url_prefix="/predictions")


@blueprint.get("/<prediction_id>")
def get(prediction_id: str) -> Response:
    """Return everything that is known of one prediction."""
    return respond(get_ports().predictions.get_prediction(get_user().workspace_id, prediction_id))


@blueprint.post("/<prediction_id>/replay")
def replay(prediction_id: str) -> Response:
    """Make a prediction again from what was stored, and return whether the answer is the same, or where it is not."""
    ports = get_ports()
    return respond(replay_prediction(ports.predictions.get_prediction(get_user().workspace_id, prediction_id), ports.replay))


@blueprint.get("")
def list_page() -> Response:
    """Return a page of predictions: of a model on a UTC day, or of an entity."""
    entity, model = request.args.get("entity"), request.args.get("model")
    if (entity is None) == (model is None):
        raise InvalidInputError("Ask either by `entity`, or by `model` and `day`", path="?entity")
    page = _list_by_entity(entity) if entity is not None else _list_by_model(model or "")
    return respond(Page(page.entries, page.next_cursor))


def _list_by_entity(entity: str) -> PredictionPage:
    return get_ports().predictions.list_by_entity(get_user().workspace_id, entity, cursor=request.args.get("after"), limit=read_limit())


def _list_by_model(name: str) -> PredictionPage:
    day, workspace_id = request.args.get("day", ""), get_user().workspace_id
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise InvalidInputError(f"day is a UTC day such as 2026-01-31, got {day[:50]!r}", path="?day") from error
    model = get_ports().models.find_model_by_name(workspace_id, name)
    if model is None:
        raise NotFoundError(f"There is no model named {name[:100]!r}")
    return get_ports().predictions.list_by_model_day(
        workspace_id, model.model_id, day, cursor=request.args.get("after"), limit=read_limit()
    )
