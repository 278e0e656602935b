"""Deletes what nobody needs any more of accounts, in MySQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Engine, delete

from presage.adapters.sql.account_tables import AttemptRow, MailedLinkRow, SessionRow
from presage.adapters.sql.database import table_of, unit_of_work


class SqlAccountSweep:
    """`AccountSweep` on an engine. Each condition has an index; each delete is a transaction of its own, which locks little for long."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def delete_ended(self, *, now: datetime, idle_since: datetime, begun_before: datetime, limit: int) -> int:
        """Delete up to `limit` of each and return how many: expired links, limits that are whole again, and ended sessions."""
        ended = (
            delete(table_of(MailedLinkRow)).where(MailedLinkRow.expires_at <= now),
            delete(table_of(AttemptRow)).where(AttemptRow.arrival <= now.timestamp()),
            delete(table_of(SessionRow)).where(SessionRow.last_seen_at < idle_since),
            delete(table_of(SessionRow)).where(SessionRow.created_at < begun_before),
        )
        deleted = 0
        for statement in ended:
            with unit_of_work(self._engine) as session:
                result = session.execute(statement.with_dialect_options(mysql_limit=limit))
                deleted += cast("CursorResult[Any]", result).rowcount
        return deleted
