"""Ask people into a workspace, by mail. They join when they say so, with the account of the address that was invited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from presage.errors import AlreadyExistsError, ConflictError, ForbiddenError, NotFoundError
from presage.tenancy.accounts.attempts import count_attempt
from presage.tenancy.accounts.links import build_link, mail_link, open_link, require_mailbox
from presage.tenancy.accounts.mails import build_invitation_mail
from presage.tenancy.accounts.model import Account, Device, LinkEffect, LogIn, MailedLink, Visitor, fold_email
from presage.tenancy.accounts.own_account import build_account, build_member
from presage.tenancy.accounts.ports import AccountPorts
from presage.tenancy.accounts.sessions import begin_session, check_password, enter_workspace
from presage.tenancy.fields import require_email
from presage.tenancy.members import authorise_over
from presage.tenancy.model import Role, User, Workspace
from presage.tenancy.permissions import authorise


@dataclass(frozen=True, slots=True)
class Invitation:
    """What somebody who opens an invitation is told: by whom, to what, as what, and whether their address has an account.

    `member` is who has been in the workspace with that address without an account, and gets one.
    """

    link: MailedLink
    inviter: User
    workspace: Workspace
    role: Role
    member: User | None
    has_account: bool


def invite(email: str, role: Role, *, by: User, client: str, now: datetime, ports: AccountPorts) -> MailedLink:
    """Mail an invitation to the workspace of `by`, in place of a pending one to the same address, and return it.

    A user who has an access token and no account may be invited, by which they get one; their role stays as it is.

    Raises:
        ForbiddenError: `by` lacks `members.write` or, where an owner joins, `owners.write`.
        InvalidInputError: It is no address that mail can be sent to.
        ConflictError: The workspace has a member of that address, who has an account.
        RateLimitedError: There were too many mails to it, or from where this comes from.
        UnavailableError: The mail could not be sent; there is no invitation.
    """
    workspace_id, email = authorise_over(by, role), require_mailbox(email)
    member = ports.members.find_member(workspace_id, require_email(email, "$.email"))
    if member is not None and member.account_id is not None:
        raise ConflictError(f"{email} is a member of the workspace already")
    role = role if member is None else member.role
    authorise_over(by, role)
    count_attempt("mail", email=email, client=client, limiter=ports.limiter)
    workspace = ports.workspaces.get_workspace(workspace_id)
    issued = build_link("invitation", email, now=now, invitation=(workspace_id, role, by.user_id))
    mail_link(issued, partial(build_invitation_mail, inviter=by.email, workspace=workspace.name, role=role), ports=ports)
    return issued[0]


def list_invitations(*, by: User, now: datetime, ports: AccountPorts) -> Sequence[MailedLink]:
    """Return the workspace's invitations that nobody has accepted yet, newest first.

    Raises:
        ForbiddenError: `by` lacks `members.write`.
    """
    return ports.links.list_invitations(authorise(by, "members.write"), now=now)


def withdraw_invitation(link_id: str, *, by: User, now: datetime, ports: AccountPorts) -> None:
    """Let an invitation of the workspace work no more.

    Raises:
        NotFoundError: The workspace has no such invitation that is pending.
        ForbiddenError: `by` lacks `members.write` or, for an owner's, `owners.write`.
    """
    link = next((each for each in list_invitations(by=by, now=now, ports=ports) if each.link_id == link_id), None)
    if link is None:
        raise NotFoundError(f"There is no invitation {link_id[:64]!r}")
    authorise_over(by, link.role or "owner")
    ports.links.delete_link(link_id)


def read_invitation(token: str, *, now: datetime, ports: AccountPorts) -> Invitation:
    """Return what an invitation is to.

    Raises:
        NotFoundError: The link does not work, or who invited may do so no more.
    """
    link = open_link(token, "invitation", now=now, ports=ports)
    if link.workspace_id is None or link.role is None or link.invited_by is None:
        raise NotFoundError("This link is no invitation")
    member = ports.members.find_member(link.workspace_id, require_email(link.email, "$.email"))
    role = link.role if member is None else member.role
    try:
        inviter = ports.members.get_member(link.workspace_id, link.invited_by)
        authorise_over(inviter, role)
    except (NotFoundError, ForbiddenError) as error:
        raise NotFoundError("This invitation does not work: who sent it may invite no more; ask for another one") from error
    workspace = ports.workspaces.get_workspace(link.workspace_id)
    return Invitation(link, inviter, workspace, role, member, ports.accounts.find_account(link.email) is not None)


def accept_invitation(token: str, *, visitor: Visitor, now: datetime, ports: AccountPorts) -> Visitor:
    """Let the visitor join the workspace that they were invited to, and return them in it.

    Raises:
        NotFoundError: The invitation does not work.
        ForbiddenError: It is to another address than the visitor's.
        ConflictError: They are a member already.
    """
    invitation = read_invitation(token, now=now, ports=ports)
    _join(invitation, visitor.account, now=now, ports=ports)
    return enter_workspace(invitation.workspace.workspace_id, visitor=visitor, ports=ports)


def accept_with_password(token: str, password: str, *, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Let the account that an invitation is to join, and log it in there. Raises as `accept_invitation`, and as `log_in`."""
    invitation = read_invitation(token, now=now, ports=ports)
    account = check_password(invitation.link.email, password, client=device.address, ports=ports)
    _join(invitation, account, now=now, ports=ports)
    return begin_session(account, device=device, now=now, ports=ports, workspace_id=invitation.workspace.workspace_id)


def accept_as_newcomer(token: str, name: str, password: str, *, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Make the account that an invitation is to, let it join, and log it in there.

    Raises:
        NotFoundError: The invitation does not work.
        InvalidInputError: The name is empty or too long, or the password is not taken.
        ConflictError: There is an account of that address by now.
    """
    invitation = read_invitation(token, now=now, ports=ports)
    account = build_account(invitation.link.email, name, password, now=now, ports=ports)
    _join(invitation, account, now=now, ports=ports, is_new=True)
    return begin_session(account, device=device, now=now, ports=ports, workspace_id=invitation.workspace.workspace_id)


def _join(invitation: Invitation, account: Account, *, now: datetime, ports: AccountPorts, is_new: bool = False) -> None:
    """Use the link, with a new user or, for who has been in the workspace without an account, with theirs."""
    link, workspace_id = invitation.link, invitation.workspace.workspace_id
    if fold_email(account.email) != fold_email(link.email):
        raise ForbiddenError(f"This invitation is to {link.email}; log out, and log in with that address")
    member = invitation.member
    bound = None if member is None else replace(member, name=account.name, account_id=account.account_id)
    added = build_member(account, workspace_id, invitation.role, now=now) if member is None else None
    effect = LinkEffect(new_account=account if is_new else None, new_user=added, bound_user=bound)
    try:
        ports.links.use_link(link, effect, now=now)
    except AlreadyExistsError as error:
        raise ConflictError("There is an account of this address, or it is a member, by now; log in") from error
