"""Workspaces and users in dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, NotFoundError
from presage.tenancy.model import USER_LIST, User, Workspace


class MemoryWorkspaceStore:
    """`WorkspaceStore` and `MemberStore` for tests."""

    def __init__(self) -> None:
        self._workspaces: dict[str, Workspace] = {}
        self._users: dict[tuple[str, str], User] = {}
        self._lock = Lock()
        self.listing = MemoryListing(USER_LIST, lambda workspace_id: [user for user in self.users() if user.workspace_id == workspace_id])

    def create_workspace(self, workspace: Workspace, owner: User) -> None:
        """Add both, or raise `AlreadyExistsError`."""
        if workspace.workspace_id in self._workspaces:
            raise AlreadyExistsError(f"Workspace {workspace.workspace_id} exists already")
        self.create_user(owner)
        self._workspaces[workspace.workspace_id] = workspace

    def get_workspace(self, workspace_id: str) -> Workspace:
        """Return it, or raise `NotFoundError`."""
        if workspace_id not in self._workspaces:
            raise NotFoundError(f"There is no workspace {workspace_id}")
        return self._workspaces[workspace_id]

    def create_user(self, user: User) -> None:
        """Add a user, or raise `AlreadyExistsError` when the workspace has one of that email."""
        taken = self.find_member(user.workspace_id, user.email) or self._has_account(user)
        if taken or (user.workspace_id, user.user_id) in self._users or self.find_user_by_token(user.token_sha256):
            raise AlreadyExistsError(f"A user with the email {user.email} exists already")
        self._users[user.workspace_id, user.user_id] = user

    def list_members(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[User]:
        """Return a page in the order of `user_id`, starting behind `after`."""
        mine = sorted((user for user in self._users.values() if user.workspace_id == workspace_id), key=lambda user: user.user_id)
        return [user for user in mine if user.user_id > after][:limit]

    def get_member(self, workspace_id: str, user_id: str) -> User:
        """Return a user, or raise `NotFoundError`."""
        if (workspace_id, user_id) not in self._users:
            raise NotFoundError(f"There is no user {user_id}")
        return self._users[workspace_id, user_id]

    def find_member(self, workspace_id: str, email: str) -> User | None:
        """Return the user of that address, or None."""
        return next((user for user in self._users.values() if (user.workspace_id, user.email) == (workspace_id, email)), None)

    def change_member(self, workspace_id: str, user_id: str, change: Callable[[User, int], User | None]) -> None:
        """Put what `change` returns in the user's place, or nothing if that is None."""
        with self._lock:
            member = self.get_member(workspace_id, user_id)
            owners = sum(user.role == "owner" for user in self._users.values() if user.workspace_id == workspace_id)
            changed = change(member, owners)
            if changed is None:
                del self._users[workspace_id, user_id]
                return
            others = (user.account_id for user in self._users.values() if user.workspace_id == workspace_id and user.user_id != user_id)
            if changed.account_id is not None and changed.account_id in others:
                raise AlreadyExistsError("A user of that account exists already")
            self._users[workspace_id, user_id] = changed

    def put_user(self, user: User) -> None:
        """Put it in the place of the user of that id, for the memory adapters that change them."""
        self._users[user.workspace_id, user.user_id] = user

    def users(self) -> list[User]:
        """Return all of them, for the memory adapters that join them."""
        return list(self._users.values())

    def find_user_by_token(self, token_sha256: str) -> User | None:
        """Return the user whose access token has that hash, or None."""
        return next((user for user in self._users.values() if user.token_sha256 == token_sha256), None)

    def _has_account(self, user: User) -> bool:
        own = (user.workspace_id, user.account_id)
        return user.account_id is not None and any((known.workspace_id, known.account_id) == own for known in self._users.values())
