"""The share of the workspace's units that meet no experiment."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.experiments.holdout import LARGEST_SHARE, set_holdout
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.rendering import done, show

blueprint = Blueprint("holdout", __name__, url_prefix="/experiments/holdout")


class HoldoutForm(msgspec.Struct, frozen=True):
    """The share of units that are to meet no experiment."""

    share: float


@blueprint.get("")
def show_holdout(error: PresageError | None = None) -> Response:
    """Show the holdout."""
    found = get_ports().holdouts.find_holdout(get_user().workspace_id)
    return show("experiments/holdout.html", holdout=found, error=error, largest=LARGEST_SHARE)


@blueprint.post("")
def change() -> BaseResponse:
    """Change it for experiments that are started from now on."""

    def act() -> BaseResponse:
        made = set_holdout(read_form(HoldoutForm).share, by=get_user(), now=get_now(), store=get_ports().holdouts)
        return done(url_for("pages.experiments.list_page"), f"{made.share:.1%} of units meet no experiment that is started from now on.")

    return answer_form(act, show_holdout)
