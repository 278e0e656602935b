"""What users are told, in MySQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine, select, tuple_

from presage.adapters.sql.database import find_row, insert_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.listing import SqlListing
from presage.adapters.sql.notification_tables import DeliveryRow, NotificationRow
from presage.errors import AlreadyExistsError, NotFoundError
from presage.jobs.model import NOTIFICATION_LIST, Notification
from presage.notifications.model import Delivery


class SqlNotificationStore:
    """`NotificationStore` and `NotificationOutbox` on an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.listing = SqlListing(engine, NotificationRow, Notification, NOTIFICATION_LIST)

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

    def list_undispatched(self, *, limit: int = 100) -> Sequence[Notification]:
        """Return those that have not been handed to channels yet, of all workspaces, oldest first."""
        waiting = select(table_of(NotificationRow)).where(NotificationRow.dispatched_at.is_(None))
        page = waiting.order_by(NotificationRow.created_at, NotificationRow.notification_id).limit(limit)
        with unit_of_work(self._engine) as session:
            return list_rows(session, page, Notification)

    def dispatch(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> bool:
        """Note that it was handed over and add its deliveries, in one transaction; return False, and add none, if it was before."""
        mine = (
            NotificationRow.workspace_id == notification.workspace_id,
            NotificationRow.notification_id == notification.notification_id,
            NotificationRow.dispatched_at.is_(None),
        )
        with unit_of_work(self._engine) as session:
            if not update_rows(session, NotificationRow, *mine, values={"dispatched_at": now}):
                return False
            for delivery in deliveries:
                insert_row(session, DeliveryRow, delivery)
        return True

    def put_dispatched(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Add a notification that goes nowhere but to these deliveries, in one transaction."""
        with unit_of_work(self._engine) as session:
            insert_row(session, NotificationRow, notification, dispatched_at=now)
            for delivery in deliveries:
                insert_row(session, DeliveryRow, delivery)

    def get_notification(self, workspace_id: str, notification_id: str) -> Notification:
        """Return it, or raise `NotFoundError`."""
        statement = select(table_of(NotificationRow)).where(
            NotificationRow.workspace_id == workspace_id, NotificationRow.notification_id == notification_id
        )
        with unit_of_work(self._engine) as session:
            found = find_row(session, statement, Notification)
        if found is None:
            raise NotFoundError(f"There is no notification {notification_id}")
        return found
