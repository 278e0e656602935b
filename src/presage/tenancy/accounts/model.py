"""People's accounts: who they are, where they are logged in, and what was mailed to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.tenancy.model import Role, User, Workspace

LinkKind = Literal["sign_up", "reset", "invitation"]


@dataclass(frozen=True, slots=True)
class Account:
    """A person who logs in, by an address that no other account has (`fold_email`) and that is kept as it was typed.

    Their memberships are the users that name the account. `last_workspace_id` is where they worked last.
    """

    account_id: str
    email: str
    name: str
    password_hash: str
    created_at: datetime
    last_workspace_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccountSession:
    """A browser in which somebody is logged in, and the workspace that they are in there. Of its token only the hash is kept.

    `address` and `user_agent` are what it said of itself when it was made, so that its owner knows it again.
    """

    session_id: str
    token_sha256: str
    account_id: str
    workspace_id: str | None
    created_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class MailedLink:
    """What the holder of a link may do, once, who is whoever reads the mail to that address. Of its token only the hash is kept.

    An invitation names the workspace, the role, and the user who invited (`invited_by`).
    """

    link_id: str
    token_sha256: str
    kind: LinkKind
    email: str
    created_at: datetime
    expires_at: datetime
    workspace_id: str | None = None
    role: Role | None = None
    invited_by: str | None = None
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewPassword:
    """The hash that takes the place of an account's, and ends all of its sessions."""

    account_id: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class LinkEffect:
    """What comes of a link, all of it in the transaction that uses the link. `bound_user` gets the account that it names."""

    new_account: Account | None = None
    new_workspace: Workspace | None = None
    new_user: User | None = None
    bound_user: User | None = None
    new_password: NewPassword | None = None


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is logged in with a session, and their user of its workspace: None if they are in none, or were removed from it."""

    session: AccountSession
    account: Account
    user: User | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A workspace that an account has a user of."""

    workspace: Workspace
    user: User


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request comes from: the client's address, and what its browser calls itself."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """A session that has begun, and its token, which is given to the browser and kept nowhere."""

    session: AccountSession
    token: str


def fold_email(email: str) -> str:
    """Return what two spellings of one address have in common."""
    return email.casefold()
