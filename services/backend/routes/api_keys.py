"""API keys at the gateway."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, request

from presage.errors import InvalidInputError
from presage.runtime.http import respond
from presage.tenancy import use_cases
from presage.tenancy.usage import read_usage
from services.backend.account_bodies import ApiKeyBody
from services.backend.bodies import RotationBody, read_body, read_optional_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_page
from services.backend.views import view_api_key

blueprint = Blueprint("api_keys", __name__, url_prefix="/api-keys")
USAGE_DAYS = 30
"""Told of unless others are asked for."""


@blueprint.post("")
def create() -> Response:
    """Create a key in a usage plan; its value is in this answer only."""
    body, ports = read_body(ApiKeyBody), get_ports()
    wish = use_cases.KeyWish(body.name, body.plan, body.kind, body.origins, body.scopes, body.expires_at)
    issued = use_cases.create_api_key(wish, by=get_user(), now=get_now(), gateway=ports.gateway, store=ports.api_keys)
    return respond(view_api_key(issued.key, issued.value), 201, {"location": f"/api/v1/api-keys/{issued.key.api_key_id}"})


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the workspace's keys, revoked ones too, newest first."""
    store, workspace_id = get_ports().api_keys, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: store.list_api_keys(workspace_id, before=after, limit=limit), identify=lambda key: key.api_key_id
    )
    return respond(Page([view_api_key(key) for key in items], following))


@blueprint.post("/<api_key_id>/rotate")
def rotate(api_key_id: str) -> Response:
    """Create a key in place of another, which works for a while beside it; the value is in this answer only."""
    hours, ports = read_optional_body(RotationBody).overlap_hours, get_ports()
    issued = use_cases.rotate_api_key(
        api_key_id, by=get_user(), overlap_hours=hours, now=get_now(), gateway=ports.gateway, store=ports.api_keys
    )
    return respond(view_api_key(issued.key, issued.value), 201, {"location": f"/api/v1/api-keys/{issued.key.api_key_id}"})


@blueprint.delete("/<api_key_id>")
def revoke(api_key_id: str) -> Response:
    """Revoke a key; repeating it changes nothing."""
    ports = get_ports()
    use_cases.revoke_api_key(api_key_id, by=get_user(), now=get_now(), gateway=ports.gateway, store=ports.api_keys)
    return Response(status=204)


@blueprint.get("/<api_key_id>/usage")
def get_usage(api_key_id: str) -> Response:
    """Return what a key may use by its plan, and what it used, day by day."""
    ports, until = get_ports(), _read_day("until", get_now().date())
    since = _read_day("since", until - timedelta(days=USAGE_DAYS - 1))
    return respond(read_usage(api_key_id, by=get_user(), since=since, until=until, gateway=ports.gateway, store=ports.api_keys))


def _read_day(name: str, otherwise: date) -> date:
    if name not in request.args:
        return otherwise
    text = request.args[name]
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"{name} is a UTC day such as 2026-01-31, got {text[:50]!r}", path=f"?{name}") from error
