"""Workspaces."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from presage.runtime.http import respond
from presage.tenancy import use_cases
from services.backend.bodies import WorkspaceBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.views import view_user

blueprint = Blueprint("workspaces", __name__)


@blueprint.post("/workspaces")
def create() -> Response:
    """Create a workspace and its owner (operator only)."""
    body = read_body(WorkspaceBody)
    owner = use_cases.create_workspace(
        name=body.name, owner_email=body.owner.email, owner_name=body.owner.name, now=get_now(), store=get_ports().workspaces
    )
    answer = {"workspace_id": owner.user.workspace_id, "user_id": owner.user.user_id, "token": owner.token}
    return respond(answer, 201, {"location": "/api/v1/workspace"})


@blueprint.get("/workspace")
def get() -> Response:
    """Return the caller's workspace and the caller."""
    user = get_user()
    workspace = get_ports().workspaces.get_workspace(user.workspace_id)
    return respond(
        {
            "workspace_id": workspace.workspace_id,
            "name": workspace.name,
            "created_at": workspace.created_at,
            "public_api_url": current_app.config["PUBLIC_API_URL"],
            "user": view_user(user),
        }
    )
