"""The workspace's audit log."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.runtime.http import respond
from presage.tenancy.audit import to_wire
from presage.tenancy.permissions import authorise
from services.backend.context import get_ports, get_user
from services.backend.logbook import export_log, read_log_search, verify_log
from services.backend.paging import Page, read_page, read_version

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the log, newest first."""
    workspace_id, log, wanted = authorise(get_user(), "audit.read"), get_ports().audit, read_log_search()
    items, following = read_page(
        lambda after, limit: log.list_entries(workspace_id, wanted, before=read_version(after), limit=limit),
        identify=lambda entry: str(entry.sequence),
    )
    return respond(Page([to_wire(entry) for entry in items], following))


@blueprint.get("/export")
def export() -> Response:
    """Return the whole log, oldest first, an entry a line."""
    return export_log(authorise(get_user(), "audit.read"))


@blueprint.get("/verification")
def verify() -> Response:
    """Walk the whole log and return whether it is sound, or where it is broken first."""
    return respond(verify_log(authorise(get_user(), "audit.read")))
