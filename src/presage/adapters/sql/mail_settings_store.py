"""Who gets mail, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, and_, select, true

from presage.adapters.sql.database import find_row, insert_row, table_of, unit_of_work, update_rows
from presage.adapters.sql.notification_tables import MailSettingsRow
from presage.adapters.sql.tables import UserRow
from presage.notifications.model import MailRecipient, MailSettings


class SqlMailSettingsStore:
    """`MailSettingsStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_settings(self, workspace_id: str, user_id: str) -> MailSettings | None:
        """Return the user's, or None."""
        mine = and_(MailSettingsRow.workspace_id == workspace_id, MailSettingsRow.user_id == user_id)
        with unit_of_work(self._engine) as session:
            return find_row(session, select(table_of(MailSettingsRow)).where(mine), MailSettings)

    def put_settings(self, settings: MailSettings) -> None:
        """Keep them in place of the user's last ones."""
        mine = and_(MailSettingsRow.workspace_id == settings.workspace_id, MailSettingsRow.user_id == settings.user_id)
        with unit_of_work(self._engine, duplicate="Mail settings, set at the same time,") as session:
            if session.execute(select(MailSettingsRow.user_id).where(mine).with_for_update()).one_or_none() is None:
                insert_row(session, MailSettingsRow, settings)
                return
            events = msgspec.to_builtins(settings.events)
            values = {"enabled": settings.enabled, "events": events, "changed_at": settings.changed_at}
            update_rows(session, MailSettingsRow, mine, values=values)

    def list_recipients(self, workspace_id: str) -> Sequence[MailRecipient]:
        """Return the users who want mail, with their addresses."""
        theirs = and_(UserRow.workspace_id == MailSettingsRow.workspace_id, UserRow.user_id == MailSettingsRow.user_id)
        statement = (
            select(MailSettingsRow.user_id, UserRow.email, MailSettingsRow.events)
            .join(UserRow, theirs)
            .where(MailSettingsRow.workspace_id == workspace_id, MailSettingsRow.enabled == true())
            .order_by(MailSettingsRow.user_id)
        )
        with unit_of_work(self._engine) as session:
            return [msgspec.convert(dict(row), MailRecipient) for row in session.execute(statement).mappings()]
