"""What a role may do: the only place that says so. Each use case names the one permission that it needs (docs/accounts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from presage.errors import ForbiddenError
from presage.tenancy.model import Role, User

Permission = Literal[
    "workspace.read",
    "own_settings.write",
    "rows.read",
    "analyses.run",
    "experiments.draft",
    "experiments.run",
    "data.write",
    "credentials.write",
    "models.write",
    "jobs.cancel",
    "api_keys.write",
    "webhooks.read",
    "webhooks.write",
    "audit.read",
    "members.write",
    "owners.write",
]
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
ROLES: tuple[Role, ...] = get_args(Role)

_VIEWER: frozenset[Permission] = frozenset({"workspace.read", "own_settings.write"})
_ANALYST: frozenset[Permission] = _VIEWER | {"rows.read", "analyses.run", "experiments.draft"}
_DEVELOPER: frozenset[Permission] = _ANALYST | {
    "experiments.run",
    "data.write",
    "credentials.write",
    "models.write",
    "jobs.cancel",
    "api_keys.write",
    "webhooks.read",
}
_ADMIN: frozenset[Permission] = _DEVELOPER | {"webhooks.write", "audit.read", "members.write"}
_OWNER: frozenset[Permission] = _ADMIN | {"owners.write"}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    "owner": _OWNER,
    "admin": _ADMIN,
    "developer": _DEVELOPER,
    "analyst": _ANALYST,
    "viewer": _VIEWER,
}


def authorise(user: User, permission: Permission) -> str:
    """Return the id of the workspace in which the user may do that: their own, as there is no other way to name one.

    Raises:
        ForbiddenError: The user's role lacks the permission.
    """
    if permission not in GRANTS[user.role]:
        able = ", ".join(role for role in ROLES if permission in GRANTS[role])
        raise ForbiddenError(f"A workspace's {user.role} lacks the permission {permission}, which these have: {able}")
    return user.workspace_id
