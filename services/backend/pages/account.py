"""One's own account: name, password, sessions, and the access token of the workspace."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.tenancy.accounts import own_account, sessions
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.gate import without_workspace
from services.backend.pages.rendering import done, show
from services.backend.pages.visiting import get_device, get_visitor, let_in

blueprint = Blueprint("account", __name__, url_prefix="/account")


class NameForm(msgspec.Struct, frozen=True):
    """A name to have."""

    name: str


class PasswordChangeForm(msgspec.Struct, frozen=True):
    """The password of now, and the one to have."""

    old_password: str
    password: str


@blueprint.get("")
@without_workspace
def show_account(error: PresageError | None = None) -> Response:
    """Show the visitor's account and where they are logged in."""
    visitor = get_visitor()
    listed = sessions.list_sessions(visitor, now=get_now(), ports=get_ports().accounts)
    return show("account/account.html", error=error, visitor=visitor, sessions=listed)


@blueprint.post("/name")
@without_workspace
def rename() -> BaseResponse:
    """Change the visitor's name."""

    def act() -> BaseResponse:
        own_account.rename(read_form(NameForm).name, visitor=get_visitor(), ports=get_ports().accounts)
        return done(url_for("pages.account.show_account"), "Your name is changed.")

    return answer_form(act, show_account)


@blueprint.post("/password")
@without_workspace
def change_password() -> BaseResponse:
    """Change the visitor's password, and end all other sessions."""

    def act() -> BaseResponse:
        form, ports = read_form(PasswordChangeForm), get_ports().accounts
        entry = own_account.change_password(
            form.old_password, form.password, visitor=get_visitor(), device=get_device(), now=get_now(), ports=ports
        )
        return let_in(done(url_for("pages.account.show_account"), "Your password is changed. You are logged out everywhere else."), entry)

    return answer_form(act, show_account)


@blueprint.post("/sessions/<session_id>/end")
@without_workspace
def end_session(session_id: str) -> BaseResponse:
    """End one of the visitor's sessions."""
    sessions.end_session(session_id, visitor=get_visitor(), ports=get_ports().accounts)
    return done(url_for("pages.account.show_account"), "That browser is logged out.")


@blueprint.post("/sessions/end-others")
@without_workspace
def end_other_sessions() -> BaseResponse:
    """End all of the visitor's sessions but this one."""
    sessions.end_other_sessions(get_visitor(), ports=get_ports().accounts)
    return done(url_for("pages.account.show_account"), "All other browsers are logged out.")


@blueprint.post("/token")
def renew_token() -> Response:
    """Make an access token of the workspace in place of the user's, and show it this once."""
    token = own_account.renew_token(by=get_user(), store=get_ports().members)
    return show("account/token.html", 201, token=token)
