"""The prediction log."""

from __future__ import annotations

from flask import Blueprint, Response, request

from presage.predictions.replay import replay_prediction
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.context import get_ports, get_user
from services.backend.paging import Page, read_limit
from services.backend.searching import read_search

blueprint = Blueprint("predictions", __name__, url_prefix="/predictions")


@blueprint.get("/<prediction_id>")
def get(prediction_id: str) -> Response:
    """Return everything that is known of one prediction."""
    return respond(get_ports().predictions.get_prediction(authorise(get_user(), "rows.read"), prediction_id))


@blueprint.post("/<prediction_id>/replay")
def replay(prediction_id: str) -> Response:
    """Make a prediction again from what was stored, and return whether the answer is the same, or where it is not."""
    ports = get_ports()
    return respond(replay_prediction(ports.predictions.get_prediction(authorise(get_user(), "rows.read"), prediction_id), ports.replay))


@blueprint.get("")
def search() -> Response:
    """Return a page of predictions of a model, of an entity, or of both."""
    page = get_ports().predictions.search(read_search(request.args), cursor=request.args.get("after"), limit=read_limit())
    return respond(Page(page.entries, page.next_cursor))
