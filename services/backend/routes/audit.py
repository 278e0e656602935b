"""The workspace's audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from flask import Blueprint, Response, request

from presage.runtime.http import respond
from presage.tenancy.audit import AuditEntry, AuditSearch, encode_line, to_wire, verify_chain
from presage.tenancy.permissions import authorise
from services.backend.context import get_ports, get_user
from services.backend.paging import Page, read_instant, read_page, read_version

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the log, newest first."""
    workspace_id, log, wanted = authorise(get_user(), "audit.read"), get_ports().audit, _read_search()
    items, following = read_page(
        lambda after, limit: log.list_entries(workspace_id, wanted, before=read_version(after), limit=limit),
        identify=lambda entry: str(entry.sequence),
    )
    return respond(Page([to_wire(entry) for entry in items], following))


@blueprint.get("/export")
def export() -> Response:
    """Return the whole log, oldest first, an entry a line."""
    entries = get_ports().audit.iterate(authorise(get_user(), "audit.read"))
    first = next(entries, None)  # read before anything is answered: a log that does not answer is a 503
    headers = {"content-disposition": 'attachment; filename="audit.ndjson"'}
    return Response(_write(first, entries), headers=headers, content_type="application/x-ndjson")


@blueprint.get("/verification")
def verify() -> Response:
    """Walk the whole log and return whether it is sound, or where it is broken first."""
    entries = get_ports().audit.iterate(authorise(get_user(), "audit.read"))
    return respond(verify_chain(encode_line(entry) for entry in entries))


def _write(first: AuditEntry | None, rest: Iterator[AuditEntry]) -> Iterator[bytes]:
    yield from (encode_line(entry) + b"\n" for entry in chain(() if first is None else (first,), rest))


def _read_search() -> AuditSearch:
    return AuditSearch(request.args.get("user_id"), request.args.get("action"), _find_instant("since"), _find_instant("until"))


def _find_instant(name: str) -> datetime | None:
    return read_instant(name, request.args[name]) if name in request.args else None
