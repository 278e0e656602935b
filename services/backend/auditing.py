"""Writes down every call that may change something: that it was asked before it is done, and how it ended (docs/adr/0050)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Response, g, request
from werkzeug.exceptions import HTTPException

from presage.errors import InvalidInputError, PresageError, UnavailableError
from presage.runtime.bodies import decode_json
from presage.runtime.http import SECRET_PARAMETERS, read_note
from presage.runtime.observability import with_fields
from presage.tenancy.audit import Act, build_asked, build_ended
from presage.tenancy.ports import AuditLog
from services.backend.context import get_now, get_user
from services.backend.pages.gate import PREFIX, SAFE_METHODS, is_page
from services.backend.pages.visiting import get_device
from services.backend.told import OF_PAGES, TOLD

ADDRESS_LENGTH = 64

_LOG = logging.getLogger("presage.audit")


class Auditor:
    """Runs behind the gatekeeper and before the view (`begin`), and behind the view (`end`), of pages as of the API.

    Nothing is done that was not written down before. An act whose end could not be written stands, and shows without an end.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def begin(self) -> None:
        """Add what is asked for to the caller's audit log.

        Raises:
            UnavailableError: It could not be added; nothing is done.
        """
        if request.method in SAFE_METHODS or g.get("user") is None:
            return
        detail, fault = _read_detail()
        user = get_user()
        act = Act(
            at=get_now(),
            user_id=user.user_id,
            email=user.email,
            action=str(request.endpoint),
            targets={name: str(value) for name, value in (request.view_args or {}).items() if name not in SECRET_PARAMETERS},
            detail=detail,
            request_id=g.request_id,
            address=get_device().address[:ADDRESS_LENGTH],
        )
        try:
            g.asked = self._log.append(user.workspace_id, build_asked(user.workspace_id, act))
        except PresageError as error:
            raise UnavailableError(f"Nothing was done, as it could not be written to the audit log: {error}") from error
        if fault is not None:
            raise fault

    def end(self, response: Response) -> Response:
        """Add how it ended, and return the answer as it is."""
        asked = g.pop("asked", None)
        if asked is None:
            return response
        code = read_note("code")
        build = build_ended(
            asked,
            at=get_now(),
            status=response.status_code,
            code=None if code is None else str(code),
            location=_read_location(response),
        )
        try:
            self._log.append(asked.workspace_id, build)
        except Exception:  # noqa: BLE001 - what was done is done: its answer goes out, and the chain shows that the end is missing
            fields = {"workspace_id": asked.workspace_id, "sequence": asked.sequence, "status": response.status_code}
            _LOG.exception("the end of an act is missing in the audit log", extra=with_fields(fields))
        return response


def _read_location(response: Response) -> str | None:
    """Return where what was made is, if the API says so; a page may lead anywhere."""
    location = response.headers.get("location", "")
    return location if location.startswith("/api/") else None


def _read_detail() -> tuple[Mapping[str, object], HTTPException | None]:
    """Return what is told of the body, and what refuses the body itself: a call that is too large was asked for all the same."""
    name = str(request.endpoint)
    told = _list_of_page(name.removeprefix(PREFIX)) if is_page(name) else TOLD.get(name, ())
    if not told:
        return {}, None
    try:
        fields = _read_fields()
    except HTTPException as error:
        return {}, error
    return {name: fields[name] for name in told if name in fields}, None


def _list_of_page(name: str) -> tuple[str, ...]:
    return OF_PAGES.get(name, TOLD.get(name, ()))


def _read_fields() -> Mapping[str, object]:
    if request.mimetype == "application/x-www-form-urlencoded":
        return {name: values if len(values) > 1 else values[0] for name, values in request.form.lists()}
    if request.mimetype != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        return {}
    try:
        body = decode_json(request.get_data(), object)
    except InvalidInputError:
        return {}
    return body if isinstance(body, Mapping) else {}
