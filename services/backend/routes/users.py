"""The users of the workspace and their roles."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.runtime.http import respond
from presage.tenancy import members, use_cases
from services.backend.account_bodies import RoleBody, UserBody
from services.backend.bodies import read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_page
from services.backend.views import view_user

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.post("")
def create() -> Response:
    """Add a user to the caller's workspace; their token is in this answer only."""
    body, store = read_body(UserBody), get_ports().workspaces
    added = use_cases.create_user(by=get_user(), email=body.email, name=body.name, role=body.role, now=get_now(), store=store)
    return respond(view_user(added.user, added.token), 201)


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the workspace's users."""
    store, workspace_id = get_ports().members, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: store.list_members(workspace_id, after=after, limit=limit), identify=lambda user: user.user_id
    )
    return respond(Page([view_user(user) for user in items], following))


@blueprint.put("/<user_id>/role")
def change_role(user_id: str) -> Response:
    """Give a user another role."""
    return respond(view_user(members.change_role(user_id, read_body(RoleBody).role, by=get_user(), store=get_ports().members)))


@blueprint.delete("/<user_id>")
def remove(user_id: str) -> Response:
    """Forget a user; their token opens nothing from now on."""
    members.remove_user(user_id, by=get_user(), store=get_ports().members)
    return Response(status=204)
