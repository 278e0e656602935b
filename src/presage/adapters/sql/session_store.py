"""Who is logged in where, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, select

from presage.adapters.sql.account_tables import AccountRow, SessionRow
from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import UserRow
from presage.tenancy.accounts.model import Account, AccountSession, Visitor
from presage.tenancy.model import User


class SqlSessionStore:
    """`SessionStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_session(self, session: AccountSession) -> None:
        """Add it, and note its workspace, if it has one, as the account's last."""
        with unit_of_work(self._engine, duplicate=f"Session {session.session_id}") as work:
            insert_row(work, SessionRow, session)
            if session.workspace_id is not None:
                own = AccountRow.account_id == session.account_id
                update_rows(work, AccountRow, own, values={"last_workspace_id": session.workspace_id})

    def find_visitor(self, token_sha256: str) -> Visitor | None:
        """Return the session of that token, with its account and user as they are now, or None; ended ones are returned as such."""
        with unit_of_work(self._engine) as work:
            session = find_row(work, select(table_of(SessionRow)).where(SessionRow.token_sha256 == token_sha256), AccountSession)
            if session is None:
                return None
            account = find_row(work, select(table_of(AccountRow)).where(AccountRow.account_id == session.account_id), Account)
            place = (UserRow.workspace_id == session.workspace_id, UserRow.account_id == session.account_id)
            user = None if session.workspace_id is None else find_row(work, select(table_of(UserRow)).where(*place), User)
        return None if account is None else Visitor(session, account, user)

    def note_seen(self, session_id: str, *, now: datetime) -> None:
        """Note that it was used then; one that is gone stays gone."""
        with unit_of_work(self._engine) as work:
            update_rows(work, SessionRow, SessionRow.session_id == session_id, values={"last_seen_at": now})

    def enter_workspace(self, session: AccountSession, workspace_id: str) -> None:
        """Let the session be in that workspace, and note it as the account's last."""
        with unit_of_work(self._engine) as work:
            update_rows(work, SessionRow, SessionRow.session_id == session.session_id, values={"workspace_id": workspace_id})
            own = AccountRow.account_id == session.account_id
            update_rows(work, AccountRow, own, values={"last_workspace_id": workspace_id})

    def list_sessions(self, account_id: str, *, limit: int = 200) -> Sequence[AccountSession]:
        """Return those of an account, last used first."""
        own = select(table_of(SessionRow)).where(SessionRow.account_id == account_id)
        ordered = own.order_by(SessionRow.last_seen_at.desc(), SessionRow.session_id)
        with unit_of_work(self._engine) as work:
            return list_rows(work, ordered.limit(limit), AccountSession)

    def delete_sessions(self, account_id: str, *, only: str | None = None, but: str | None = None) -> None:
        """Delete the account's sessions: all, or `only` the one of that id, or all `but` that."""
        statement = delete(table_of(SessionRow)).where(SessionRow.account_id == account_id)
        if only is not None:
            statement = statement.where(SessionRow.session_id == only)
        if but is not None:
            statement = statement.where(SessionRow.session_id != but)
        with unit_of_work(self._engine) as work:
            work.execute(statement)
