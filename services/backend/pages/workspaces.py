"""The workspaces of who is logged in: choosing one, and opening another."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.tenancy.accounts import own_account, sessions
from services.backend.context import get_now, get_ports
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.gate import without_workspace
from services.backend.pages.rendering import done, show
from services.backend.pages.visiting import get_visitor

blueprint = Blueprint("workspaces", __name__, url_prefix="/workspaces")


class WorkspaceForm(msgspec.Struct, frozen=True):
    """A workspace to open."""

    workspace_name: str


class TokenForm(msgspec.Struct, frozen=True):
    """The access token of a user who has no account."""

    token: str


@blueprint.get("")
@without_workspace
def list_page(error: PresageError | None = None) -> Response:
    """Show the visitor's workspaces."""
    visitor = get_visitor()
    memberships = get_ports().accounts.accounts.list_memberships(visitor.account.account_id)
    return show("account/workspaces.html", error=error, visitor=visitor, memberships=memberships)


@blueprint.post("")
@without_workspace
def create() -> BaseResponse:
    """Open a workspace that the visitor owns."""

    def act() -> BaseResponse:
        name = read_form(WorkspaceForm).workspace_name
        own_account.create_own_workspace(name, visitor=get_visitor(), now=get_now(), ports=get_ports().accounts)
        return done(url_for("pages.home.show_home"), f"The workspace {name} is there.")

    return answer_form(act, list_page)


@blueprint.post("/join")
@without_workspace
def join() -> BaseResponse:
    """Let the visitor be the user whose access token they have."""

    def act() -> BaseResponse:
        visitor = own_account.join_by_token(read_form(TokenForm).token, visitor=get_visitor(), ports=get_ports().accounts)
        name = get_ports().workspaces.get_workspace(str(visitor.session.workspace_id)).name
        return done(url_for("pages.home.show_home"), f"You are in {name}.")

    return answer_form(act, list_page)


@blueprint.post("/<workspace_id>/enter")
@without_workspace
def enter(workspace_id: str) -> BaseResponse:
    """Go on in another of the visitor's workspaces."""
    sessions.enter_workspace(workspace_id, visitor=get_visitor(), ports=get_ports().accounts)
    name = get_ports().workspaces.get_workspace(workspace_id).name
    return done(url_for("pages.home.show_home"), f"You are in {name}.")
