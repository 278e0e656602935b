"""Notifications in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from presage.adapters.memory.delivery_store import MemoryDeliveryStore
from presage.adapters.memory.listing import MemoryListing
from presage.errors import NotFoundError
from presage.jobs.model import NOTIFICATION_LIST, Notification
from presage.notifications.model import Delivery


class MemoryNotificationStore:
    """`NotificationStore` and `NotificationOutbox` for tests; deliveries go to `deliveries`."""

    def __init__(self, deliveries: MemoryDeliveryStore | None = None) -> None:
        self.deliveries = deliveries or MemoryDeliveryStore()
        self._notifications: dict[tuple[str, str], Notification] = {}
        self._dispatched: set[tuple[str, str]] = set()
        self.listing = MemoryListing(
            NOTIFICATION_LIST, lambda workspace_id: [each for each in self._notifications.values() if each.workspace_id == workspace_id]
        )

    def put_notification(self, notification: Notification) -> None:
        """Add it; the same `notification_id` again changes nothing."""
        self._notifications.setdefault((notification.workspace_id, notification.notification_id), notification)

    def list_notifications(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[Notification]:
        """Return a page, newest first, starting behind the notification id `before`."""
        mine = [known for known in self._notifications.values() if known.workspace_id == workspace_id]
        mine.sort(key=_order, reverse=True)
        if before:
            mark = self._notifications.get((workspace_id, before))
            mine = [known for known in mine if mark is not None and _order(known) < _order(mark)]
        return mine[:limit]

    def list_undispatched(self, *, limit: int = 100) -> Sequence[Notification]:
        """Return those that have not been handed to channels yet, of all workspaces, oldest first."""
        waiting = [known for key, known in self._notifications.items() if key not in self._dispatched]
        return sorted(waiting, key=_order)[:limit]

    def dispatch(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> bool:
        """Note that it was handed over and add its deliveries; return False, and add none, if it was before."""
        _ = now
        key = (notification.workspace_id, notification.notification_id)
        if key in self._dispatched:
            return False
        self._dispatched.add(key)
        self.deliveries.add(deliveries)
        return True

    def put_dispatched(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Add a notification that goes nowhere but to these deliveries."""
        self.put_notification(notification)
        self.dispatch(notification, deliveries, now=now)

    def get_notification(self, workspace_id: str, notification_id: str) -> Notification:
        """Return it, or raise `NotFoundError`."""
        if (workspace_id, notification_id) not in self._notifications:
            raise NotFoundError(f"There is no notification {notification_id}")
        return self._notifications[workspace_id, notification_id]


def _order(notification: Notification) -> tuple[datetime, str]:
    return notification.created_at, notification.notification_id
