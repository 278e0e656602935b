"""What the routes work with, and who calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import current_app, g, request

from presage.features.ports import RecordQueue
from presage.features.recent_ids import RecentIds
from presage.predictions.use_cases import PredictionPorts
from presage.runtime.http import note

EXTENSION = "presage.public_api"
KEY_HEADER = "x-presage-api-key-id"
"""Set by the gateway from the key it checked, whatever the caller sent under this name."""
OPEN_PATHS = frozenset({"/v1/openapi.json", "/healthz", "/readyz"})


@dataclass(frozen=True, slots=True)
class PublicApiPorts:
    """The application's ports; `now` is the clock, aware UTC."""

    predictions: PredictionPorts
    records: RecordQueue
    now: Callable[[], datetime]
    recent_ids: RecentIds = field(default_factory=RecentIds)


def get_ports() -> PublicApiPorts:
    """Return the ports of the application that answers this request."""
    return cast("PublicApiPorts", current_app.extensions[EXTENSION])


def get_workspace_id() -> str:
    """Return the caller's workspace."""
    return cast("str", g.workspace_id)


def identify_caller() -> None:
    """Find the caller's workspace by the gateway's key id, before any view runs.

    Raises:
        UnauthenticatedError: The call did not come with a key.
        ForbiddenError: The key is unknown or revoked.
    """
    if request.url_rule is None or request.path in OPEN_PATHS:
        return
    g.workspace_id = get_ports().predictions.catalog.get_workspace_id(request.headers.get(KEY_HEADER))
    note(workspace_id=g.workspace_id)
