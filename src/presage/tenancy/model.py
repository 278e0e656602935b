"""Workspaces, their users and their API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from presage.listing import ListShape

USER_LIST = ListShape("user_id", sorts=("name", "email", "role", "created_at"), searched=("name", "email"), filters=("role",))
API_KEY_LIST = ListShape("api_key_id", sorts=("created_at", "name", "plan"), searched=("name",), filters=("plan", "kind"))

Role = Literal["owner", "admin", "developer", "analyst", "viewer"]
Plan = Literal["free", "standard"]
KeyKind = Literal["secret", "publishable"]
"""A secret key is for servers. A publishable one may be in an app or a page: whoever finds it may predict and send records, no more."""

Scope = Literal["predict", "records.write", "predictions.read"]
"""What a key may do: ask for predictions, send records, read predictions back from the log."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The tenant. Every row, prefix and partition key carries its id."""

    workspace_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person in a workspace. `token_sha256` is all that is kept of the access token that is shown once, when it is made.

    Who has an account logs in by it; an account has at most one user in a workspace.
    """

    workspace_id: str
    user_id: str
    email: str
    name: str
    role: Role
    token_sha256: str
    created_at: datetime
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the public API: an unrevoked key, its workspace, its usage plan, and what it may be used for, from where and until when."""

    api_key_id: str
    workspace_id: str
    plan: Plan
    kind: KeyKind = "secret"
    origins: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = SCOPES
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A gateway key of a workspace. The key's value is shown once and kept by the gateway only. Only publishable keys have `origins`.

    From `expires_at` on it opens nothing, though the gateway still knows it; never, if that is None. `last_used_at` is when the public API
    last asked for it, to within a minute and the time that it keeps what it asked for.
    """

    workspace_id: str
    api_key_id: str
    name: str
    plan: Plan
    created_at: datetime
    revoked_at: datetime | None
    kind: KeyKind = "secret"
    origins: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = SCOPES
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
