"""An invitation, to whom it was mailed: what it is to, and joining."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, g, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import NotFoundError, PresageError
from presage.tenancy.accounts import invitations
from presage.tenancy.accounts.model import LogIn, fold_email
from services.backend.context import get_now, get_ports
from services.backend.pages.entrance import PasswordForm, hide_address, show_broken
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.gate import open_to_all
from services.backend.pages.rendering import done, show
from services.backend.pages.visiting import get_device, let_in

blueprint = Blueprint("invitations", __name__, url_prefix="/invitations")
blueprint.after_request(hide_address)
blueprint.register_error_handler(NotFoundError, show_broken)


class NewcomerForm(msgspec.Struct, frozen=True):
    """Who joins and had no account."""

    name: str
    password: str


@blueprint.get("/<token>")
@open_to_all
def show_invitation(token: str, error: PresageError | None = None) -> Response:
    """Show what the invitation is to, and what joining needs of who is here."""
    invitation = invitations.read_invitation(token, now=get_now(), ports=get_ports().accounts)
    is_theirs = g.visitor is not None and fold_email(g.visitor.account.email) == fold_email(invitation.link.email)
    return show("entrance/invitation.html", error=error, invitation=invitation, visitor=g.visitor, is_theirs=is_theirs)


@blueprint.post("/<token>")
@open_to_all
def accept(token: str) -> BaseResponse:
    """Join: as who is logged in, by the account's password, or with a new account."""

    def act() -> BaseResponse:
        response = done(url_for("pages.home.show_home"), "You have joined. This is the workspace.")
        if g.visitor is None:
            return let_in(response, _log_in(token))
        invitations.accept_invitation(token, visitor=g.visitor, now=get_now(), ports=get_ports().accounts)
        return response

    return answer_form(act, lambda error: show_invitation(token, error))


def _log_in(token: str) -> LogIn:
    now, device, ports = get_now(), get_device(), get_ports().accounts
    if invitations.read_invitation(token, now=now, ports=ports).has_account:
        return invitations.accept_with_password(token, read_form(PasswordForm).password, device=device, now=now, ports=ports)
    form = read_form(NewcomerForm)
    return invitations.accept_as_newcomer(token, form.name, form.password, device=device, now=now, ports=ports)
