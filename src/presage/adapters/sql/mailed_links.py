"""Links that were mailed, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from presage.adapters.sql.account_store import replace_password
from presage.adapters.sql.account_tables import AccountRow, MailedLinkRow
from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.tables import UserRow, WorkspaceRow
from presage.errors import ConflictError, NotFoundError
from presage.tenancy.accounts.model import LinkEffect, MailedLink, fold_email
from presage.tenancy.model import User


class SqlMailedLinks:
    """`MailedLinks` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_link(self, link: MailedLink) -> None:
        """Add it. An invitation takes the place of the workspace's pending ones to the same address."""
        key = fold_email(link.email)
        with unit_of_work(self._engine, duplicate=f"Link {link.link_id}") as session:
            if link.kind == "invitation":
                pending = (MailedLinkRow.kind == "invitation", MailedLinkRow.used_at.is_(None))
                same = (MailedLinkRow.workspace_id == link.workspace_id, MailedLinkRow.email_key == key)
                session.execute(delete(table_of(MailedLinkRow)).where(*pending, *same))
            insert_row(session, MailedLinkRow, link, email_key=key)

    def find_link(self, token_sha256: str) -> MailedLink | None:
        """Return the link of that token, used and expired ones as such, or None."""
        with unit_of_work(self._engine) as session:
            return find_row(session, select(table_of(MailedLinkRow)).where(MailedLinkRow.token_sha256 == token_sha256), MailedLink)

    def use_link(self, link: MailedLink, effect: LinkEffect, *, now: datetime) -> None:
        """Note the use and do what comes of it, or neither. The link's row is locked from the first statement on."""
        usable = (MailedLinkRow.link_id == link.link_id, MailedLinkRow.used_at.is_(None), MailedLinkRow.expires_at > now)
        with unit_of_work(self._engine, duplicate="An account, or a user of the workspace, with that address") as session:
            if not update_rows(session, MailedLinkRow, *usable, values={"used_at": now}):
                raise NotFoundError("This link does not work any more")
            _do(session, effect)

    def list_invitations(self, workspace_id: str, *, now: datetime, limit: int = 200) -> Sequence[MailedLink]:
        """Return the workspace's invitations that may still be used, newest first."""
        pending = (MailedLinkRow.kind == "invitation", MailedLinkRow.used_at.is_(None), MailedLinkRow.expires_at > now)
        mine = select(table_of(MailedLinkRow)).where(MailedLinkRow.workspace_id == workspace_id, *pending)
        page = mine.order_by(MailedLinkRow.created_at.desc(), MailedLinkRow.link_id).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, MailedLink)

    def delete_link(self, link_id: str) -> None:
        """Forget it."""
        with unit_of_work(self._engine) as session:
            session.execute(delete(table_of(MailedLinkRow)).where(MailedLinkRow.link_id == link_id))


def _do(session: Session, effect: LinkEffect) -> None:
    if effect.new_account is not None:
        insert_row(session, AccountRow, effect.new_account, email_key=fold_email(effect.new_account.email))
    if effect.new_workspace is not None:
        insert_row(session, WorkspaceRow, effect.new_workspace)
    if effect.new_user is not None:
        insert_row(session, UserRow, effect.new_user)
    if effect.bound_user is not None:
        _bind(session, effect.bound_user)
    if effect.new_password is not None:
        replace_password(session, effect.new_password)


def _bind(session: Session, user: User) -> None:
    unbound = (UserRow.workspace_id == user.workspace_id, UserRow.user_id == user.user_id, UserRow.account_id.is_(None))
    if not update_rows(session, UserRow, *unbound, values={"account_id": user.account_id, "name": user.name}):
        raise ConflictError("That user has an account by now, or was removed")
