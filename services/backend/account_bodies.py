"""The wire form of requests about who may do what."""

from __future__ import annotations

import msgspec

from presage.tenancy.model import Role


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to add to the workspace, who may look and no more unless it says otherwise."""

    email: str
    name: str
    role: Role = "viewer"


class RoleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role to give."""

    role: Role
