"""The audit log: who asked for what, from where, and how it ended."""

from __future__ import annotations

from flask import Blueprint, Response, request

from presage.tenancy.permissions import authorise
from services.backend.context import get_ports, get_user
from services.backend.logbook import export_log, read_log_search, verify_log
from services.backend.pages.rendering import show
from services.backend.paging import read_limit, read_version

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the log, newest first."""
    workspace_id, wanted, limit = authorise(get_user(), "audit.read"), read_log_search(), read_limit()
    before = read_version(request.args.get("after", ""))
    found = get_ports().audit.list_entries(workspace_id, wanted, before=before, limit=limit + 1)
    return show("audit/list.html", entries=found[:limit], following=str(found[limit - 1].sequence) if len(found) > limit else None)


@blueprint.get("/export")
def export() -> Response:
    """Return the whole log as a file."""
    return export_log(authorise(get_user(), "audit.read"))


@blueprint.get("/verification")
def verify() -> Response:
    """Show whether the whole log is sound, or where it is broken first."""
    return show("audit/verification.html", found=verify_log(authorise(get_user(), "audit.read")))
