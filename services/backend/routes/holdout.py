"""The share of the workspace's units that meet no experiment."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.experiments.holdout import set_holdout
from presage.runtime.http import respond
from services.backend.bodies import HoldoutBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.views import HoldoutView

blueprint = Blueprint("holdout", __name__, url_prefix="/holdout")


@blueprint.get("")
def get() -> Response:
    """Return the workspace's holdout."""
    found = get_ports().holdouts.find_holdout(get_user().workspace_id)
    return respond(HoldoutView(found.share, found.changed_by, found.changed_at) if found else HoldoutView(0.0, None, None))


@blueprint.put("")
def put() -> Response:
    """Change it for experiments that are started from now on."""
    found = set_holdout(read_body(HoldoutBody).share, by=get_user(), now=get_now(), store=get_ports().holdouts)
    return respond(HoldoutView(found.share, found.changed_by, found.changed_at))
