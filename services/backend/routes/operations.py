"""What the operator of a stage sees of its queues, and does about dead letters. Nothing here is of a workspace."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.runtime.http import respond
from services.backend.bodies import RedriveBody, read_optional_body
from services.backend.context import get_ports
from services.backend.paging import Page

blueprint = Blueprint("operations", __name__, url_prefix="/operations")


@blueprint.get("/queues")
def list_queues() -> Response:
    """Return how full each queue is."""
    return respond(Page(get_ports().queues.list_queues()))


@blueprint.post("/queues/jobs/redrive")
def redrive_jobs() -> Response:
    """Put dead letters of the jobs queue back on it, and say how many."""
    return respond({"moved": get_ports().queues.redrive_jobs(limit=read_optional_body(RedriveBody).limit)})
