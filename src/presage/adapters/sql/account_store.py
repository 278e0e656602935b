"""People's accounts in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from presage.adapters.sql.account_tables import AccountRow, MailedLinkRow, SessionRow
from presage.adapters.sql.database import find_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import UserRow, WorkspaceRow
from presage.tenancy.accounts.model import Account, Membership, NewPassword, fold_email
from presage.tenancy.model import User, Workspace


class SqlAccountStore:
    """`AccountStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_account(self, email: str) -> Account | None:
        """Return the account of that address, however it is spelt, or None."""
        with unit_of_work(self._engine) as session:
            return find_row(session, select(table_of(AccountRow)).where(AccountRow.email_key == fold_email(email)), Account)

    def rename_account(self, account_id: str, name: str) -> None:
        """Give the account that name, and its users too."""
        with unit_of_work(self._engine) as session:
            update_rows(session, AccountRow, AccountRow.account_id == account_id, values={"name": name})
            update_rows(session, UserRow, UserRow.account_id == account_id, values={"name": name})

    def change_password(self, password: NewPassword) -> None:
        """Put the hash in the place of the account's, end all of its sessions and forget its links for a new password."""
        with unit_of_work(self._engine) as session:
            replace_password(session, password)

    def renew_hash(self, account: Account, password_hash: str) -> None:
        """Put another hash of the same password in the place of the account's, unless that has changed meanwhile."""
        unchanged = (AccountRow.account_id == account.account_id, AccountRow.password_hash == account.password_hash)
        with unit_of_work(self._engine) as session:
            update_rows(session, AccountRow, *unchanged, values={"password_hash": password_hash})

    def list_memberships(self, account_id: str, *, limit: int = 200) -> Sequence[Membership]:
        """Return the workspaces that the account has a user of, by name."""
        own = UserRow.account_id == account_id
        joined = (
            select(table_of(WorkspaceRow))
            .join(UserRow, UserRow.workspace_id == WorkspaceRow.workspace_id)
            .where(own)
            .order_by(WorkspaceRow.name, WorkspaceRow.workspace_id)
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            workspaces = list_rows(session, joined, Workspace)
            users = {user.workspace_id: user for user in list_rows(session, select(table_of(UserRow)).where(own), User)}
        return [Membership(each, users[each.workspace_id]) for each in workspaces if each.workspace_id in users]


def replace_password(session: Session, password: NewPassword) -> None:
    """Change the account's hash, and delete its sessions and its links to change it, in the session's transaction."""
    own = AccountRow.account_id == password.account_id
    address = select(AccountRow.email_key).where(own).scalar_subquery()
    update_rows(session, AccountRow, own, values={"password_hash": password.password_hash})
    session.execute(delete(table_of(SessionRow)).where(SessionRow.account_id == password.account_id))
    resets = (MailedLinkRow.kind == "reset", MailedLinkRow.used_at.is_(None), MailedLinkRow.email_key == address)
    session.execute(delete(table_of(MailedLinkRow)).where(*resets))
