"""Who may call what: the operator creates workspaces, a user's token opens its workspace, and nothing else is open."""

from __future__ import annotations

import hmac

from flask import g, request

from presage.errors import UnauthenticatedError
from presage.runtime.http import note
from presage.tenancy.model import User
from presage.tenancy.ports import WorkspaceStore
from presage.tenancy.use_cases import authenticate
from services.backend.pages.gate import is_page

OPEN_ENDPOINTS = frozenset({"healthz", "readyz"})
OPERATOR_ENDPOINTS = frozenset({"workspaces.create", "operations.list_queues", "operations.redrive_jobs"})
_SCHEME = "bearer "


class Gatekeeper:
    """Runs before every request: lets it pass with `g.user` set, or raises `UnauthenticatedError`."""

    def __init__(self, store: WorkspaceStore, operator_token: str) -> None:
        if not operator_token:
            raise ValueError("The operator's token is empty: everybody would be the operator")
        self._store = store
        self._operator_token = operator_token.encode()

    def __call__(self) -> None:
        """Authenticate the current request; unknown routes go on to their 404."""
        if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS or is_page(request.endpoint):
            return
        if request.endpoint in OPERATOR_ENDPOINTS:
            self._require_operator()
            return
        g.user = authenticate(_read_token(), store=self._store)
        note(workspace_id=g.user.workspace_id, user_id=g.user.user_id)

    def _require_operator(self) -> None:
        if not hmac.compare_digest(_read_token().encode(), self._operator_token):
            raise UnauthenticatedError("Send `authorization: Bearer <operator token>`")


def recognise_bearer(store: WorkspaceStore) -> User | None:
    """Return the user whose access token the request carries, or None."""
    try:
        return authenticate(_read_token(), store=store)
    except UnauthenticatedError:
        return None


def _read_token() -> str:
    header = request.headers.get("authorization", "")
    return header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""
