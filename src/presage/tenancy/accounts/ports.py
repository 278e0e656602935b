"""What accounts need from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from presage.tenancy.accounts.mails import Mail
from presage.tenancy.accounts.model import Account, AccountSession, LinkEffect, MailedLink, Membership, NewPassword, Visitor
from presage.tenancy.accounts.pages_address import PagesAddress
from presage.tenancy.ports import MemberStore, RateLimiter, WorkspaceStore


class AccountStore(Protocol):
    """Accounts and where they are members (MySQL). Those of links are made with the link's use."""

    def find_account(self, email: str) -> Account | None:
        """Return the account of that address, however it is spelt, or None."""

    def rename_account(self, account_id: str, name: str) -> None:
        """Give the account that name, and its users too."""

    def change_password(self, password: NewPassword) -> None:
        """Put the hash in the place of the account's, end all of its sessions and forget its links for a new password."""

    def renew_hash(self, account: Account, password_hash: str) -> None:
        """Put another hash of the same password in the place of the account's, unless that has changed meanwhile."""

    def list_memberships(self, account_id: str, *, limit: int = 200) -> Sequence[Membership]:
        """Return the workspaces that the account has a user of, by name."""


class SessionStore(Protocol):
    """Who is logged in where (MySQL)."""

    def create_session(self, session: AccountSession) -> None:
        """Add it, and note its workspace, if it has one, as the account's last."""

    def find_visitor(self, token_sha256: str) -> Visitor | None:
        """Return the session of that token, with its account and user as they are now, or None; ended ones are returned as such."""

    def note_seen(self, session_id: str, *, now: datetime) -> None:
        """Note that it was used then; one that is gone stays gone."""

    def enter_workspace(self, session: AccountSession, workspace_id: str) -> None:
        """Let the session be in that workspace, and note it as the account's last."""

    def list_sessions(self, account_id: str, *, limit: int = 200) -> Sequence[AccountSession]:
        """Return those of an account, last used first."""

    def delete_sessions(self, account_id: str, *, only: str | None = None, but: str | None = None) -> None:
        """Delete the account's sessions: all, or `only` the one of that id, or all `but` that."""


class MailedLinks(Protocol):
    """Links that were mailed (MySQL)."""

    def create_link(self, link: MailedLink) -> None:
        """Add it. An invitation takes the place of the workspace's pending ones to the same address."""

    def find_link(self, token_sha256: str) -> MailedLink | None:
        """Return the link of that token, used and expired ones as such, or None."""

    def use_link(self, link: MailedLink, effect: LinkEffect, *, now: datetime) -> None:
        """Note the use and do what comes of it, or neither.

        Raises:
            NotFoundError: It was used meanwhile, has expired or is gone.
            AlreadyExistsError: There is an account of that address, or the workspace has a user of it.
            ConflictError: The user to be bound has an account already, or is gone.
        """

    def list_invitations(self, workspace_id: str, *, now: datetime, limit: int = 200) -> Sequence[MailedLink]:
        """Return the workspace's invitations that may still be used, newest first."""

    def delete_link(self, link_id: str) -> None:
        """Forget it."""


class AccountSweep(Protocol):
    """What nobody needs any more (MySQL)."""

    def delete_ended(self, *, now: datetime, idle_since: datetime, begun_before: datetime, limit: int) -> int:
        """Delete up to `limit` of each and return how many: links that have expired, limits that are whole again, and sessions.

        Of sessions those that were last used before `idle_since`, or made before `begun_before`.
        """


class PasswordHasher(Protocol):
    """Slow hashes of passwords (Argon2id)."""

    def hash_password(self, password: str) -> str:
        """Return a new hash of it, with all that checking it needs."""

    def check_password(self, password: str, password_hash: str | None) -> bool:
        """Return whether the hash is of that password. None, of an account that is not there, takes as long and is False."""

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash made now would be harder to guess by."""


class AccountMail(Protocol):
    """Mails to people about their accounts (SES)."""

    def send(self, recipient: str, mail: Mail) -> None:
        """Return when it was taken to be sent, within seconds.

        Raises:
            InvalidInputError: Nothing can be sent to that address.
            UnavailableError: It was not taken.
        """


@dataclass(frozen=True, slots=True)
class AccountPorts:
    """What the use cases of accounts talk to, and where the pages are that mails lead to."""

    accounts: AccountStore
    sessions: SessionStore
    links: MailedLinks
    hasher: PasswordHasher
    mail: AccountMail
    limiter: RateLimiter
    workspaces: WorkspaceStore
    members: MemberStore
    pages: PagesAddress
