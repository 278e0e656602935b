"""What happened: how jobs ended, what experiments concluded, what drifted."""

from __future__ import annotations

from flask import Blueprint, Response

from services.backend.context import get_ports
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import show

blueprint = Blueprint("notifications", __name__, url_prefix="/notifications")


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the notifications."""
    return show("notifications/list.html", view=read_list(get_ports().listings.notifications))
