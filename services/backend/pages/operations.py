"""What the operators of this installation see of its queues, and do about dead letters. Nothing here is of a workspace."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import ForbiddenError
from services.backend.context import get_ports
from services.backend.pages.gate import without_workspace
from services.backend.pages.rendering import done, show

OPERATOR = "OPERATOR_EMAIL"
"""The application's configuration: the address of the account that may see this."""
MOST_MOVED = 100
blueprint = Blueprint("operations", __name__, url_prefix="/operations")


def is_operator() -> bool:
    """Return whether the visitor's account, whose address was proven by a mail, is the installation's operator's."""
    return g.visitor is not None and g.visitor.account.email.casefold() == current_app.config.get(OPERATOR, "").casefold()


@blueprint.get("")
@without_workspace
def show_queues() -> Response:
    """Show how full each queue is."""
    _require_operator()
    return show("operations/queues.html", queues=get_ports().queues.list_queues())


@blueprint.post("/redrive")
@without_workspace
def redrive() -> BaseResponse:
    """Put dead letters of the jobs queue back on it."""
    _require_operator()
    moved = get_ports().queues.redrive_jobs(limit=MOST_MOVED)
    return done(url_for("pages.operations.show_queues"), f"{moved:,} dead letters are back on the jobs queue.")


def _require_operator() -> None:
    if not is_operator():
        raise ForbiddenError("Only the operator of this installation sees its queues: the account of the address that its alarms go to")
