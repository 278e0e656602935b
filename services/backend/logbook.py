"""The audit log as routes and pages read it: what of it is asked for, and all of it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from flask import Response, request

from presage.tenancy.audit import AuditEntry, AuditSearch, Verification, encode_line, verify_chain
from services.backend.context import get_ports
from services.backend.paging import read_instant


def read_log_search() -> AuditSearch:
    """Return which entries the URL asks for. An empty parameter is none.

    Raises:
        InvalidInputError: A time is none.
    """
    user_id, action = (request.args.get(name) or None for name in ("user_id", "action"))
    return AuditSearch(user_id, action, _find_instant("since"), _find_instant("until"))


def export_log(workspace_id: str) -> Response:
    """Return the whole log, oldest first, an entry a line."""
    entries = get_ports().audit.iterate(workspace_id)
    first = next(entries, None)  # read before anything is answered: a log that does not answer is a 503
    headers = {"content-disposition": 'attachment; filename="audit.ndjson"'}
    return Response(_write(first, entries), headers=headers, content_type="application/x-ndjson")


def verify_log(workspace_id: str) -> Verification:
    """Walk the whole log and return whether it is sound, or where it is broken first."""
    return verify_chain(encode_line(entry) for entry in get_ports().audit.iterate(workspace_id))


def _write(first: AuditEntry | None, rest: Iterator[AuditEntry]) -> Iterator[bytes]:
    yield from (encode_line(entry) + b"\n" for entry in chain(() if first is None else (first,), rest))


def _find_instant(name: str) -> datetime | None:
    return read_instant(name, request.args[name]) if request.args.get(name) else None
