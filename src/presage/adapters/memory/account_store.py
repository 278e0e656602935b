"""People's accounts, sessions and mailed links in dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.tenancy.accounts.model import (
    Account,
    AccountSession,
    LinkEffect,
    MailedLink,
    Membership,
    NewPassword,
    Visitor,
    fold_email,
)
from presage.tenancy.model import User


class MemoryAccountStore:
    """`AccountStore`, `SessionStore`, `MailedLinks` and `AccountSweep` for tests, with the users and workspaces of `workspaces`."""

    def __init__(self, workspaces: MemoryWorkspaceStore) -> None:
        self._workspaces = workspaces
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, AccountSession] = {}
        self._links: dict[str, MailedLink] = {}
        self._lock = Lock()

    def find_account(self, email: str) -> Account | None:
        """Return the account of that address, however it is spelt, or None."""
        return next((account for account in self._accounts.values() if fold_email(account.email) == fold_email(email)), None)

    def rename_account(self, account_id: str, name: str) -> None:
        """Give the account that name, and its users too."""
        self._accounts[account_id] = replace(self._accounts[account_id], name=name)
        for user in self._list_users(account_id):
            self._workspaces.put_user(replace(user, name=name))

    def change_password(self, password: NewPassword) -> None:
        """Put the hash in the place of the account's, end all of its sessions and forget its links for a new password."""
        account = replace(self._accounts[password.account_id], password_hash=password.password_hash)
        self._accounts[account.account_id] = account
        self.delete_sessions(account.account_id)
        for link in list(self._links.values()):
            if link.kind == "reset" and link.used_at is None and fold_email(link.email) == fold_email(account.email):
                self.delete_link(link.link_id)

    def renew_hash(self, account: Account, password_hash: str) -> None:
        """Put another hash of the same password in the place of the account's, unless that has changed meanwhile."""
        known = self._accounts[account.account_id]
        if known.password_hash == account.password_hash:
            self._accounts[account.account_id] = replace(known, password_hash=password_hash)

    def list_memberships(self, account_id: str, *, limit: int = 200) -> Sequence[Membership]:
        """Return the workspaces that the account has a user of, by name."""
        found = [Membership(self._workspaces.get_workspace(user.workspace_id), user) for user in self._list_users(account_id)]
        return sorted(found, key=lambda each: (each.workspace.name, each.workspace.workspace_id))[:limit]

    def create_session(self, session: AccountSession) -> None:
        """Add it, and note its workspace, if it has one, as the account's last."""
        if any(session.token_sha256 == known.token_sha256 for known in self._sessions.values()):
            raise AlreadyExistsError(f"Session {session.session_id} exists already")
        self._sessions[session.session_id] = session
        if session.workspace_id is not None:
            self.enter_workspace(session, session.workspace_id)

    def find_visitor(self, token_sha256: str) -> Visitor | None:
        """Return the session of that token, with its account and user as they are now, or None; ended ones are returned as such."""
        session = next((each for each in self._sessions.values() if each.token_sha256 == token_sha256), None)
        if session is None or session.account_id not in self._accounts:
            return None
        users = self._list_users(session.account_id)
        return Visitor(
            session, self._accounts[session.account_id], next((user for user in users if user.workspace_id == session.workspace_id), None)
        )

    def note_seen(self, session_id: str, *, now: datetime) -> None:
        """Note that it was used then; one that is gone stays gone."""
        if session_id in self._sessions:
            self._sessions[session_id] = replace(self._sessions[session_id], last_seen_at=now)

    def enter_workspace(self, session: AccountSession, workspace_id: str) -> None:
        """Let the session be in that workspace, and note it as the account's last."""
        if session.session_id in self._sessions:
            self._sessions[session.session_id] = replace(self._sessions[session.session_id], workspace_id=workspace_id)
        if session.account_id in self._accounts:
            self._accounts[session.account_id] = replace(self._accounts[session.account_id], last_workspace_id=workspace_id)

    def list_sessions(self, account_id: str, *, limit: int = 200) -> Sequence[AccountSession]:
        """Return those of an account, last used first."""
        own = (session for session in self._sessions.values() if session.account_id == account_id)
        return sorted(own, key=lambda session: (-session.last_seen_at.timestamp(), session.session_id))[:limit]

    def delete_sessions(self, account_id: str, *, only: str | None = None, but: str | None = None) -> None:
        """Delete the account's sessions: all, or `only` the one of that id, or all `but` that."""
        for session in list(self._sessions.values()):
            if session.account_id == account_id and only in {None, session.session_id} and session.session_id != but:
                del self._sessions[session.session_id]

    def create_link(self, link: MailedLink) -> None:
        """Add it. An invitation takes the place of the workspace's pending ones to the same address."""
        for known in list(self._links.values()):
            same = (known.kind, known.workspace_id, fold_email(known.email)) == ("invitation", link.workspace_id, fold_email(link.email))
            if link.kind == "invitation" and same and known.used_at is None:
                self.delete_link(known.link_id)
        if self.find_link(link.token_sha256) is not None:
            raise AlreadyExistsError(f"Link {link.link_id} exists already")
        self._links[link.link_id] = link

    def find_link(self, token_sha256: str) -> MailedLink | None:
        """Return the link of that token, used and expired ones as such, or None."""
        return next((link for link in self._links.values() if link.token_sha256 == token_sha256), None)

    def use_link(self, link: MailedLink, effect: LinkEffect, *, now: datetime) -> None:
        """Note the use and do what comes of it, or neither."""
        with self._lock:
            known = self._links.get(link.link_id)
            if known is None or known.used_at is not None or known.expires_at <= now:
                raise NotFoundError("This link does not work any more")
            self._do(effect)
            self._links[link.link_id] = replace(known, used_at=now)

    def list_invitations(self, workspace_id: str, *, now: datetime, limit: int = 200) -> Sequence[MailedLink]:
        """Return the workspace's invitations that may still be used, newest first."""
        own = (link for link in self._links.values() if (link.kind, link.workspace_id) == ("invitation", workspace_id))
        pending = (link for link in own if link.used_at is None and link.expires_at > now)
        return sorted(pending, key=lambda link: (-link.created_at.timestamp(), link.link_id))[:limit]

    def delete_link(self, link_id: str) -> None:
        """Forget it."""
        self._links.pop(link_id, None)

    def delete_ended(self, *, now: datetime, idle_since: datetime, begun_before: datetime, limit: int) -> int:
        """Delete up to `limit` links that have expired and as many sessions, and return how many."""
        links = [link.link_id for link in self._links.values() if link.expires_at <= now][:limit]
        sessions = [
            each.session_id for each in self._sessions.values() if each.last_seen_at < idle_since or each.created_at < begun_before
        ][:limit]
        for link_id in links:
            del self._links[link_id]
        for session_id in sessions:
            del self._sessions[session_id]
        return len(links) + len(sessions)

    def _do(self, effect: LinkEffect) -> None:
        """Do it, or raise before anything is done."""
        if effect.new_account is not None and self.find_account(effect.new_account.email) is not None:
            raise AlreadyExistsError(f"An account of {effect.new_account.email} exists already")
        if effect.bound_user is not None:
            self._bind(effect.bound_user)
        if effect.new_workspace is not None and effect.new_user is not None:
            self._workspaces.create_workspace(effect.new_workspace, effect.new_user)
        elif effect.new_user is not None:
            self._workspaces.create_user(effect.new_user)
        if effect.new_account is not None:
            self._accounts[effect.new_account.account_id] = effect.new_account
        if effect.new_password is not None:
            self.change_password(effect.new_password)

    def _bind(self, user: User) -> None:
        known = self._workspaces.find_member(user.workspace_id, user.email)
        if known is None or known.account_id is not None:
            raise ConflictError("That user has an account by now, or was removed")
        self._workspaces.put_user(replace(known, account_id=user.account_id, name=user.name))

    def _list_users(self, account_id: str) -> list[User]:
        return [user for user in self._workspaces.users() if user.account_id == account_id]
