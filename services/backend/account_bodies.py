"""The wire form of requests about who may do what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from presage.tenancy.model import KeyKind, Plan, Role, Scope


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add to the workspace, who may look and no more unless it says otherwise."""

    email: str
    name: str
    role: Role = "viewer"


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role to give."""

    role: Role


class ApiKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to create; `origins` are the web pages' that a publishable key may be used from.

    It may do all that its kind may, unless `scopes` say less, and for ever, unless it expires.
    """

    name: str
    plan: Plan = "free"
    kind: KeyKind = "secret"
    origins: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
