"""The prediction log."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from presage.errors import InvalidInputError, NotFoundError
from presage.predictions.ports import PredictionSearch
from presage.predictions.replay import replay_prediction
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from presage.training.model import Model
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_instant, read_limit

LONGEST = timedelta(days=90)
"""How long predictions are kept; no search goes further back."""
CLOCK_SKEW = timedelta(minutes=1)
"""How far the clocks of who answers may be ahead of this one."""
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
    entity, model = request.args.get("entity"), request.args.get("model")
    if entity is None and model is None:
        raise InvalidInputError("Ask by `entity`, by `model`, or by both", path="?entity")
    workspace_id, found = authorise(get_user(), "rows.read"), None if model is None else _find_model(model)
    since, until = _read_time(None if found is None else found.created_at)
    wanted = PredictionSearch(
        workspace_id=workspace_id,
        since=since,
        until=until,
        model_id=None if found is None else found.model_id,
        entity_id=entity,
        variant=request.args.get("variant"),
        oldest_first=_read_order(),
    )
    page = get_ports().predictions.search(wanted, cursor=request.args.get("after"), limit=read_limit())
    return respond(Page(page.entries, page.next_cursor))


def _find_model(name: str) -> Model:
    model = get_ports().models.find_model_by_name(get_user().workspace_id, name)
    if model is None:
        raise NotFoundError(f"There is no model named {name[:100]!r}")
    return model


def _read_order() -> bool:
    order = request.args.get("order", "newest")
    if order not in {"newest", "oldest"}:
        raise InvalidInputError(f"order is newest or oldest, got {order[:50]!r}", path="?order")
    return order == "oldest"


def _read_time(first: datetime | None) -> tuple[datetime, datetime]:
    """Return from when to when: a `day`, or `since` and `until`; by default all that is kept, from `first` on if that is known."""
    now = get_now()
    if "day" in request.args:
        if not request.args.keys().isdisjoint(("since", "until")):
            raise InvalidInputError("Ask by `day`, or by `since` and `until`", path="?day")
        since = min(read_instant("day", f"{request.args['day']}T00:00:00Z", "a UTC day such as 2026-01-31"), now)
        return since, since + timedelta(days=1)
    latest, earliest = now + CLOCK_SKEW, now - LONGEST
    until = min(read_instant("until", request.args["until"]), latest) if "until" in request.args else latest
    if "since" in request.args:
        since = max(read_instant("since", request.args["since"]), earliest)
    else:
        since = earliest if first is None or first >= until else max(earliest, first - CLOCK_SKEW)
    if since >= until:
        raise InvalidInputError("since is before until", path="?since")
    return since, until
