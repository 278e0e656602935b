"""Change the roles of a workspace's users, and remove them. A workspace always has an owner."""

from __future__ import annotations

from dataclasses import replace

from presage.errors import ConflictError
from presage.tenancy.model import Role, User
from presage.tenancy.permissions import authorise
from presage.tenancy.ports import MemberStore


def authorise_over(by: User, role: Role) -> str:
    """Return the workspace's id if `by` may give or take that role: only an owner makes owners, and unmakes them.

    Raises:
        ForbiddenError: `by` lacks `members.write` or, for the role of an owner, `owners.write`.
    """
    return authorise(by, "owners.write" if role == "owner" else "members.write")


def change_role(user_id: str, role: Role, *, by: User, store: MemberStore) -> User:
    """Give a user of the workspace that role, from their next call on, and return them.

    Raises:
        ForbiddenError: As for `authorise_over`, of the role that they had and of the one that they get.
        NotFoundError: The workspace has no such user.
        ConflictError: They are its only owner.
    """
    workspace_id = authorise_over(by, role)

    def change(member: User, owners: int) -> User:
        _require_free(member, owners, by=by, stays_owner=role == "owner")
        return replace(member, role=role)

    store.change_member(workspace_id, user_id, change)
    return store.get_member(workspace_id, user_id)


def remove_user(user_id: str, *, by: User, store: MemberStore) -> None:
    """Forget a user of the workspace; their token opens nothing from now on. What they made stays.

    Raises:
        ForbiddenError: As for `authorise_over`.
        NotFoundError: The workspace has no such user.
        ConflictError: They are its only owner.
    """
    workspace_id = authorise(by, "members.write")

    def remove(member: User, owners: int) -> None:
        _require_free(member, owners, by=by, stays_owner=False)

    store.change_member(workspace_id, user_id, remove)


def _require_free(member: User, owners: int, *, by: User, stays_owner: bool) -> None:
    authorise_over(by, member.role)
    if member.role == "owner" and owners == 1 and not stays_owner:
        raise ConflictError(f"{member.user_id} is the only owner of the workspace; make another user an owner before")
