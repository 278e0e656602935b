"""The users of a workspace in MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from presage.adapters.sql.database import find_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.tables import UserRow, WorkspaceRow
from presage.errors import NotFoundError
from presage.tenancy.model import USER_LIST, User

_CHANGED = ("role", "name", "email", "token_sha256", "account_id")


class SqlMemberStore:
    """`MemberStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, UserRow, User, USER_LIST)

    def list_members(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[User]:
        """Return a page in the order of `user_id`, starting behind `after`."""
        mine = select(table_of(UserRow)).where(UserRow.workspace_id == workspace_id, UserRow.user_id > after)
        with unit_of_work(self._engine) as session:
            return list_rows(session, mine.order_by(UserRow.user_id).limit(limit), User)

    def get_member(self, workspace_id: str, user_id: str) -> User:
        """Return a user, or raise `NotFoundError`."""
        with unit_of_work(self._engine) as session:
            return _get(session, workspace_id, user_id)

    def find_member(self, workspace_id: str, email: str) -> User | None:
        """Return the user of that address (as users have it, in lower case), or None."""
        mine = select(table_of(UserRow)).where(UserRow.workspace_id == workspace_id, UserRow.email == email)
        with unit_of_work(self._engine) as session:
            return find_row(session, mine, User)

    def change_member(self, workspace_id: str, user_id: str, change: Callable[[User, int], User | None]) -> None:
        """Put what `change` returns in the user's place, or nothing if that is None. The workspace's row is locked meanwhile."""
        mine = (UserRow.workspace_id == workspace_id, UserRow.user_id == user_id)
        owners = select(func.count()).where(UserRow.workspace_id == workspace_id, UserRow.role == "owner")
        with unit_of_work(self._engine) as session:
            session.execute(select(WorkspaceRow.workspace_id).where(WorkspaceRow.workspace_id == workspace_id).with_for_update())
            changed = change(_get(session, workspace_id, user_id), session.scalars(owners).one())
            if changed is None:
                session.execute(table_of(UserRow).delete().where(*mine))
            else:
                values = {name: getattr(changed, name) for name in _CHANGED}
                update_rows(session, UserRow, *mine, values=values)


def _get(session: Session, workspace_id: str, user_id: str) -> User:
    statement = select(table_of(UserRow)).where(UserRow.workspace_id == workspace_id, UserRow.user_id == user_id)
    user = find_row(session, statement, User)
    if user is None:
        raise NotFoundError(f"There is no user {user_id}")
    return user
