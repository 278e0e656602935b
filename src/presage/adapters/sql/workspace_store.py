"""Workspaces and users in MySQL."""

from __future__ import annotations

from sqlalchemy import Engine, select

from presage.adapters.sql.database import find_row, insert_row, table_of, unit_of_work
from presage.adapters.sql.tables import UserRow, WorkspaceRow
from presage.errors import NotFoundError
from presage.tenancy.model import User, Workspace


class SqlWorkspaceStore:
    """`WorkspaceStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_workspace(self, workspace: Workspace, owner: User) -> None:
        """Add both in one transaction, or raise `AlreadyExistsError`."""
        with unit_of_work(self._engine, duplicate=f"Workspace {workspace.workspace_id} or its owner") as session:
            insert_row(session, WorkspaceRow, workspace)
            insert_row(session, UserRow, owner)

    def get_workspace(self, workspace_id: str) -> Workspace:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(WorkspaceRow)).where(WorkspaceRow.workspace_id == workspace_id)
        with unit_of_work(self._engine) as session:
            workspace = find_row(session, statement, Workspace)
        if workspace is None:
            raise NotFoundError(f"There is no workspace {workspace_id}")
        return workspace

    def create_user(self, user: User) -> None:
        """Add a user, or raise `AlreadyExistsError` when the workspace has one of that email."""
        with unit_of_work(self._engine, duplicate=f"A user with the email {user.email}") as session:
            insert_row(session, UserRow, user)

    def find_user_by_token(self, token_sha256: str) -> User | None:
        """Return the user whose access token has that hash, or None."""
        statement = select(table_of(UserRow)).where(UserRow.token_sha256 == token_sha256)
        with unit_of_work(self._engine) as session:
            return find_row(session, statement, User)
