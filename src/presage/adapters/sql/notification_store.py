"""What users are told, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select, tuple_

from presage.adapters.sql.database import insert_row, list_rows, table_of, unit_of_work
from presage.adapters.sql.tables import NotificationRow
from presage.errors import AlreadyExistsError
from presage.jobs.model import Notification


class SqlNotificationStore:
    """`NotificationStore` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put_notification(self, notification: Notification) -> None:
        """Add it; the same `notification_id` again changes nothing."""
        try:
            with unit_of_work(self._engine) as session:
                insert_row(session, NotificationRow, notification)
        except AlreadyExistsError:
            return

    def list_notifications(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[Notification]:
        """Return a page, newest first, starting behind the notification id `before`."""
        order = tuple_(NotificationRow.created_at, NotificationRow.notification_id)
        statement = select(table_of(NotificationRow)).where(NotificationRow.workspace_id == workspace_id)
        if before:
            mark = select(NotificationRow.created_at, NotificationRow.notification_id).where(
                NotificationRow.workspace_id == workspace_id, NotificationRow.notification_id == before
            )
            statement = statement.where(order < mark.scalar_subquery())
        page = statement.order_by(NotificationRow.created_at.desc(), NotificationRow.notification_id.desc()).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, Notification)
