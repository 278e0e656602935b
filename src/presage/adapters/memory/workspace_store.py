"""Workspaces and users in dictionaries."""

from __future__ import annotations

from presage.errors import AlreadyExistsError, NotFoundError
from presage.tenancy.model import User, Workspace


class MemoryWorkspaceStore:
    """`WorkspaceStore` for tests."""

    def __init__(self) -> None:
        self._workspaces: dict[str, Workspace] = {}
        self._users: dict[tuple[str, str], User] = {}

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
        taken = any((known.workspace_id, known.email) == (user.workspace_id, user.email) for known in self._users.values())
        if taken or (user.workspace_id, user.user_id) in self._users or self.find_user_by_token(user.token_sha256):
            raise AlreadyExistsError(f"A user with the email {user.email} exists already")
        self._users[user.workspace_id, user.user_id] = user

    def users(self) -> list[User]:
        """Return all of them, for the memory adapters that join them."""
        return list(self._users.values())

    def find_user_by_token(self, token_sha256: str) -> User | None:
        """Return the user whose access token has that hash, or None."""
        return next((user for user in self._users.values() if user.token_sha256 == token_sha256), None)
