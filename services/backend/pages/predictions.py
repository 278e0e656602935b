"""Logged predictions: found by whom they are about, and each told whole, down to what came of it and whether it comes out again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, NotFoundError, PresageError
from presage.listing import ListQuery
from presage.predictions.ports import PredictionPage
from presage.predictions.replay import Replay, replay_prediction
from presage.tenancy.permissions import authorise
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form
from services.backend.pages.logged import get_entry, read_logged, read_outcome
from services.backend.pages.rendering import show, show_json
from services.backend.paging import read_limit
from services.backend.searching import read_search

FIELDS = ("id", "entity", "model", "variant", "day", "since", "until", "order")
MINUTES, SECONDS = len("2026-01-31T12:00"), len("2026-01-31T12:00:00")
MOST_MODELS = 200
blueprint = Blueprint("predictions", __name__, url_prefix="/predictions")


@blueprint.get("")
def list_page() -> BaseResponse:
    """Show a page of predictions, or send on to the one whose id is given."""
    authorise(get_user(), "rows.read")
    asked = read_asked()
    if "id" in asked:
        return answer_form(lambda: _find(asked["id"]), lambda error: _show_list(asked, None, error))
    return answer_form(lambda: _show_list(asked, _search(asked)), lambda error: _show_list(asked, None, error))


@blueprint.get("/<prediction_id>")
def show_prediction(prediction_id: str, replay: Replay | None = None) -> Response:
    """Show all that is known of a prediction."""
    entry = get_entry(prediction_id)
    return show("predictions/prediction.html", entry=entry, seen=read_logged(entry, replay), replay=replay, show_side=_show_side)


@blueprint.get("/<prediction_id>/outcome")
def show_outcome(prediction_id: str) -> str:
    """Return what came of a prediction so far, a part of its page."""
    entry = get_entry(prediction_id)
    return render_template("predictions/outcome.html", entry=entry, outcome=read_outcome(entry), now=get_now())


@blueprint.post("/<prediction_id>/replay")
def replay(prediction_id: str) -> Response:
    """Make a prediction again, and show it with whether it is the same. Nothing is written."""
    return show_prediction(prediction_id, replay_prediction(get_entry(prediction_id), get_ports().replay))


def read_asked() -> Mapping[str, str]:
    """Return what is searched for; times that say no zone, as forms send them, are in UTC."""
    asked = {name: request.args[name].strip() for name in FIELDS if request.args.get(name, "").strip()}
    for name in ("since", "until"):
        if len(asked.get(name, "")) in {MINUTES, SECONDS} and not asked[name].endswith("Z"):
            asked[name] += "Z" if len(asked[name]) == SECONDS else ":00Z"
    return asked


def _find(prediction_id: str) -> BaseResponse:
    try:
        get_ports().predictions.get_prediction(get_user().workspace_id, prediction_id)
    except NotFoundError as error:
        raise InvalidInputError(
            "There is no prediction of that id in the log. It keeps the last 90 days, and no rows of batch predictions: "
            "those are in the results of their job",
            path="$.id",
        ) from error
    return redirect(url_for("pages.predictions.show_prediction", prediction_id=prediction_id), 303)


def _search(asked: Mapping[str, str]) -> PredictionPage | None:
    if asked.keys() <= {"order"}:
        return None
    return get_ports().predictions.search(read_search(asked), cursor=request.args.get("after"), limit=read_limit())


def _show_list(asked: Mapping[str, str], page: PredictionPage | None, error: PresageError | None = None) -> Response:
    models = get_ports().listings.models.search(get_user().workspace_id, ListQuery("name", limit=MOST_MODELS)).items
    names = {model.model_id: model.name for model in models}
    return show("predictions/list.html", asked=asked, page=page, error=error, names=names)


def _show_side(value: object) -> str:
    """Return what is on one side of a difference."""
    return "nothing" if value is msgspec.UNSET else show_json(value)
