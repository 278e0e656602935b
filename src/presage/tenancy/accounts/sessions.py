"""Who is logged in. A session is a row of ours, so that it ends when we say so; the browser has nothing but its token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from presage.errors import NotFoundError, UnauthenticatedError
from presage.identifiers import new_identifier
from presage.tenancy.accounts.attempts import count_attempt
from presage.tenancy.accounts.model import Account, AccountSession, Device, LogIn, Membership, Visitor
from presage.tenancy.accounts.passwords import normalise
from presage.tenancy.accounts.ports import AccountPorts, AccountSweep
from presage.tenancy.tokens import hash_token, new_token

IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=7)
SEEN_STEP = timedelta(minutes=1)
"""How exactly it is known when a session was last used: each request reads it, few write."""
AGENT_LENGTH = 200
ADDRESS_LENGTH = 45


def log_in(email: str, password: str, *, device: Device, now: datetime, ports: AccountPorts) -> LogIn:
    """Begin a session of the account of that address, in the workspace that it was last in, or the only one.

    A hash that is easier to guess by than one made now is made anew.

    Raises:
        RateLimitedError: There were too many attempts for the address, or from where this comes from.
        UnauthenticatedError: There is no such account, or that is not its password; the two are not told apart, and take as long.
    """
    account = check_password(email, password, client=device.address, ports=ports)
    if ports.hasher.is_outdated(account.password_hash):
        ports.accounts.renew_hash(account, ports.hasher.hash_password(normalise(password)))
    return begin_session(account, device=device, now=now, ports=ports)


def check_password(email: str, password: str, *, client: str, ports: AccountPorts) -> Account:
    """Return the account of that address if that is its password. Raises as `log_in`."""
    email = email.strip()
    count_attempt("log_in", email=email, client=client, limiter=ports.limiter)
    account = ports.accounts.find_account(email)
    known_hash = None if account is None else account.password_hash
    if not ports.hasher.check_password(normalise(password), known_hash) or account is None:
        raise UnauthenticatedError("There is no account of that address with that password")
    return account


def begin_session(account: Account, *, device: Device, now: datetime, ports: AccountPorts, workspace_id: str | None = None) -> LogIn:
    """Begin a session in that workspace or, if none is named, in the one that the account was last in, or the only one."""
    token = new_token()
    session = AccountSession(
        session_id=new_identifier("ses"),
        token_sha256=hash_token(token),
        account_id=account.account_id,
        workspace_id=workspace_id or _choose_workspace(account, ports.accounts.list_memberships(account.account_id)),
        created_at=now,
        last_seen_at=now,
        address=device.address[:ADDRESS_LENGTH],
        user_agent="".join(filter(str.isprintable, device.user_agent))[:AGENT_LENGTH],
    )
    ports.sessions.create_session(session)
    return LogIn(session, token)


def find_visitor(token: str, *, now: datetime, ports: AccountPorts) -> Visitor | None:
    """Return who is logged in with that token, None if nobody is any more. What has become of their role is read each time."""
    visitor = ports.sessions.find_visitor(hash_token(token))
    if visitor is None or now - visitor.session.last_seen_at >= IDLE or now - visitor.session.created_at >= LIFETIME:
        return None
    if now - visitor.session.last_seen_at >= SEEN_STEP:
        ports.sessions.note_seen(visitor.session.session_id, now=now)
    return visitor


def log_out(token: str, *, ports: AccountPorts) -> None:
    """End the session of that token, if there is one."""
    visitor = ports.sessions.find_visitor(hash_token(token))
    if visitor is not None:
        ports.sessions.delete_sessions(visitor.account.account_id, only=visitor.session.session_id)


def list_sessions(visitor: Visitor, *, now: datetime, ports: AccountPorts) -> Sequence[AccountSession]:
    """Return where the visitor is logged in, last used first."""
    sessions = ports.sessions.list_sessions(visitor.account.account_id)
    return [session for session in sessions if now - session.last_seen_at < IDLE and now - session.created_at < LIFETIME]


def end_session(session_id: str, *, visitor: Visitor, ports: AccountPorts) -> None:
    """End one of the visitor's sessions. Idempotency: one that has ended, or is somebody else's, is left alone."""
    ports.sessions.delete_sessions(visitor.account.account_id, only=session_id)


def end_other_sessions(visitor: Visitor, *, ports: AccountPorts) -> None:
    """End all of the visitor's sessions but the one that asks for it."""
    ports.sessions.delete_sessions(visitor.account.account_id, but=visitor.session.session_id)


def enter_workspace(workspace_id: str, *, visitor: Visitor, ports: AccountPorts) -> Visitor:
    """Let the visitor be in another of their workspaces, and return them there.

    Raises:
        NotFoundError: They are in no such workspace.
    """
    memberships = ports.accounts.list_memberships(visitor.account.account_id)
    user = next((each.user for each in memberships if each.workspace.workspace_id == workspace_id), None)
    if user is None:
        raise NotFoundError("You are in no such workspace")
    ports.sessions.enter_workspace(visitor.session, workspace_id)
    return Visitor(replace(visitor.session, workspace_id=workspace_id), visitor.account, user)


def sweep_accounts(*, sweep: AccountSweep, now: datetime, limit: int = 1000) -> int:
    """Delete some of what nobody needs any more, and return how many: ended sessions, expired links, limits that are whole again."""
    return sweep.delete_ended(now=now, idle_since=now - IDLE, begun_before=now - LIFETIME, limit=limit)


def _choose_workspace(account: Account, memberships: Sequence[Membership]) -> str | None:
    own = [membership.workspace.workspace_id for membership in memberships]
    if account.last_workspace_id in own:
        return account.last_workspace_id
    return own[0] if len(own) == 1 else None
