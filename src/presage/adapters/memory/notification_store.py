"""Notifications in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from presage.jobs.model import Notification


class MemoryNotificationStore:
    """`NotificationStore` for tests."""

    def __init__(self) -> None:
        self._notifications: dict[tuple[str, str], Notification] = {}

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


def _order(notification: Notification) -> tuple[datetime, str]:
    return notification.created_at, notification.notification_id
