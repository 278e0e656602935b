"""Who is in the workspace, as what, and who is asked to join."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.tenancy import members
from presage.tenancy.accounts import invitations
from presage.tenancy.model import Role
from presage.tenancy.permissions import ROLES, authorise
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import done, may, show
from services.backend.pages.visiting import get_device

blueprint = Blueprint("members", __name__, url_prefix="/workspace/members")


class InvitationForm(msgspec.Struct, frozen=True):
    """Whom to ask, and as what."""

    email: str
    role: Role


class RoleForm(msgspec.Struct, frozen=True):
    """A role to give."""

    role: Role


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the members, and the invitations that are open."""
    pending = invitations.list_invitations(by=get_user(), now=get_now(), ports=get_ports().accounts) if may("members.write") else ()
    view = read_list(get_ports().listings.users, choices={"role": ROLES})
    return show("members/list.html", view=view, pending=pending, roles=_list_roles())


@blueprint.get("/invite")
def show_invite(error: PresageError | None = None) -> Response:
    """Show the form of an invitation."""
    authorise(get_user(), "members.write")
    return show("members/invite.html", error=error, roles=_list_roles())


@blueprint.post("/invite")
def invite() -> BaseResponse:
    """Mail an invitation."""

    def act() -> BaseResponse:
        form, client = read_form(InvitationForm), get_device().address
        invitations.invite(form.email, form.role, by=get_user(), client=client, now=get_now(), ports=get_ports().accounts)
        return done(url_for("pages.members.list_page"), f"{form.email} is invited.")

    return answer_form(act, show_invite)


@blueprint.post("/invitations/<link_id>/withdraw")
def withdraw(link_id: str) -> BaseResponse:
    """Let an invitation work no more."""
    invitations.withdraw_invitation(link_id, by=get_user(), now=get_now(), ports=get_ports().accounts)
    return done(url_for("pages.members.list_page"), "The invitation is withdrawn.")


@blueprint.post("/<user_id>/role")
def change_role(user_id: str) -> BaseResponse:
    """Give a member another role."""
    changed = members.change_role(user_id, read_form(RoleForm).role, by=get_user(), store=get_ports().members)
    return done(url_for("pages.members.list_page"), f"{changed.name} is {changed.role} now.")


@blueprint.post("/<user_id>/remove")
def remove(user_id: str) -> BaseResponse:
    """Take a member out of the workspace."""
    members.remove_user(user_id, by=get_user(), store=get_ports().members)
    return done(url_for("pages.members.list_page"), "They are in the workspace no more.")


def _list_roles() -> list[Role]:
    """Return the roles that the visitor may give, the least one first."""
    return [role for role in reversed(ROLES) if role != "owner" or may("owners.write")]
