"""What people do with their own accounts: make one, choose passwords, and open workspaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError, UnauthenticatedError
from presage.identifiers import new_identifier
from presage.tenancy.accounts.links import open_link
from presage.tenancy.accounts.model import Account, Device, LinkEffect, LogIn, NewPassword, Visitor
from presage.tenancy.accounts.passwords import require_password
from presage.tenancy.accounts.ports import AccountPorts
from presage.tenancy.accounts.sessions import begin_session, check_password, enter_workspace
from presage.tenancy.fields import require_email, require_name
from presage.tenancy.model import Role, User, Workspace
from presage.tenancy.permissions import authorise
from presage.tenancy.ports import MemberStore
from presage.tenancy.tokens import hash_token, new_token


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody says of themselves who makes an account."""

    name: str
    workspace_name: str
    password: str


def sign_up(token: str, wish: SignUp, *, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Make the account that a link is for, with a workspace that it owns, and log it in there.

    Raises:
        NotFoundError: The link does not work.
        InvalidInputError: A name is empty or too long, or the password is not taken.
        ConflictError: There is an account of that address by now.
    """
    link = open_link(token, "sign_up", now=now, ports=ports)
    account = build_account(link.email, wish.name, wish.password, now=now, ports=ports)
    workspace = Workspace(new_identifier("ws"), require_name(wish.workspace_name, "$.workspace_name"), now)
    owner = build_member(account, workspace.workspace_id, "owner", now=now)
    try:
        ports.links.use_link(link, LinkEffect(new_account=account, new_workspace=workspace, new_user=owner), now=now)
    except AlreadyExistsError as error:
        raise ConflictError("There is an account of this address by now; log in") from error
    return begin_session(account, device=device, now=now, ports=ports, workspace_id=workspace.workspace_id)


def reset_password(token: str, password: str, *, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Give the account that a link is for another password, end all of its sessions, and log it in anew.

    Raises:
        NotFoundError: The link does not work.
        InvalidInputError: The password is not taken.
    """
    link = open_link(token, "reset", now=now, ports=ports)
    password = require_password(password, email=link.email)
    account = ports.accounts.find_account(link.email)
    if account is None:
        raise ConflictError("There is no account of this address any more")
    changed = NewPassword(account.account_id, ports.hasher.hash_password(password))
    ports.links.use_link(link, LinkEffect(new_password=changed), now=now)
    return begin_session(account, device=device, now=now, ports=ports)


def change_password(old: str, new: str, *, visitor: Visitor, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Give the visitor's account another password, end all of its sessions, and log it in anew, in the same workspace.

    Raises:
        RateLimitedError: There were too many attempts at the old one.
        InvalidInputError: The old one is not it, or the new one is not taken.
    """
    try:
        account = check_password(visitor.account.email, old, client=device.address, ports=ports)
    except UnauthenticatedError as error:
        raise InvalidInputError("This is not your password", path="$.old_password") from error
    new = require_password(new, email=account.email)
    ports.accounts.change_password(NewPassword(account.account_id, ports.hasher.hash_password(new)))
    return begin_session(account, device=device, now=now, ports=ports, workspace_id=visitor.session.workspace_id)


def rename(name: str, *, visitor: Visitor, ports: AccountPorts) -> None:
    """Give the visitor another name, in their workspaces too.

    Raises:
        InvalidInputError: It is empty or too long.
    """
    ports.accounts.rename_account(visitor.account.account_id, require_name(name, "$.name"))


def create_own_workspace(name: str, *, visitor: Visitor, now: datetime, ports: AccountPorts) -> Visitor:
    """Open a workspace that the visitor owns, and return them in it.

    Raises:
        InvalidInputError: The name is empty or too long.
    """
    workspace = Workspace(new_identifier("ws"), require_name(name, "$.workspace_name"), now)
    ports.workspaces.create_workspace(workspace, build_member(visitor.account, workspace.workspace_id, "owner", now=now))
    return enter_workspace(workspace.workspace_id, visitor=visitor, ports=ports)


def join_by_token(token: str, *, visitor: Visitor, ports: AccountPorts) -> Visitor:
    """Let the visitor's account be the one of the user whose access token they have, and return them in its workspace.

    Whoever has the token may do all that the user may; so owners whom an operator made, and users whom others added, get in.

    Raises:
        InvalidInputError: It is nobody's token.
        ConflictError: The user is another account's, or the visitor is in that workspace as somebody else.
    """
    found = ports.workspaces.find_user_by_token(hash_token(token))
    if found is None:
        raise InvalidInputError("This is nobody's access token", path="$.token")

    def bind(member: User, _owners: int) -> User:
        if member.account_id not in {None, visitor.account.account_id}:
            raise ConflictError("The user of this access token has an account already; log in with that")
        return replace(member, account_id=visitor.account.account_id)

    try:
        ports.members.change_member(found.workspace_id, found.user_id, bind)
    except AlreadyExistsError as error:
        raise ConflictError("You are in that workspace already, as another user") from error
    return enter_workspace(found.workspace_id, visitor=visitor, ports=ports)


def renew_token(*, by: User, store: MemberStore) -> str:
    """Return a new access token for the workspace API in place of the user's; it is shown here once and kept nowhere.

    Raises:
        ForbiddenError: `by` lacks `own_settings.write`.
        NotFoundError: They were removed meanwhile.
    """
    workspace_id, token = authorise(by, "own_settings.write"), new_token()
    store.change_member(workspace_id, by.user_id, lambda member, _owners: replace(member, token_sha256=hash_token(token)))
    return token


def build_account(email: str, name: str, password: str, *, now: datetime, ports: AccountPorts) -> Account:
    """Return a new account.

    Raises:
        InvalidInputError: The name is empty or too long, or the password is not taken.
    """
    name, password = require_name(name, "$.name"), require_password(password, email=email)
    return Account(new_identifier("acc"), email, name, ports.hasher.hash_password(password), now)


def build_member(account: Account, workspace_id: str, role: Role, *, now: datetime) -> User:
    """Return the account's user of a workspace. No access token is theirs until they make one: the hash is of one that nobody has."""
    return User(
        workspace_id=workspace_id,
        user_id=new_identifier("usr"),
        email=require_email(account.email, "$.email"),
        name=account.name,
        role=role,
        token_sha256=hash_token(new_token()),
        created_at=now,
        account_id=account.account_id,
    )
