"""Hands notifications to the channels of whoever chose them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from presage.jobs.model import Notification
from presage.jobs.use_cases import SYSTEM
from presage.notifications.events import is_wanted
from presage.notifications.model import ChannelKind, Delivery, MailRecipient
from presage.notifications.ports import MailSettingsStore, NotificationOutbox, WebhookStore

PAGE = 100


@dataclass(frozen=True, slots=True)
class DispatchPorts:
    """What handing over needs from outside."""

    outbox: NotificationOutbox
    webhooks: WebhookStore
    mail: MailSettingsStore


def dispatch_pending(*, ports: DispatchPorts, now: datetime) -> int:
    """Make the deliveries of all notifications that were not handed over yet, and return how many notifications were.

    Idempotency: a notification and its deliveries change in one transaction, so that each is handed over once.

    Raises:
        UnavailableError: The database did not answer; what was handed over stays so.
    """
    handed_over = 0
    while page := ports.outbox.list_undispatched(limit=PAGE):
        for notification in page:
            handed_over += ports.outbox.dispatch(notification, list(_build_deliveries(notification, ports, now)), now=now)
    return handed_over


def build_delivery(notification: Notification, channel: ChannelKind, target_id: str, *, now: datetime) -> Delivery:
    """Return the delivery of a notification to a target, due at once; its id follows from both."""
    digest = hashlib.sha256(f"{notification.notification_id}\0{channel}\0{target_id}".encode()).hexdigest()
    return Delivery(
        workspace_id=notification.workspace_id,
        delivery_id=f"dlv_{digest[:32]}",
        notification_id=notification.notification_id,
        channel=channel,
        target_id=target_id,
        state="pending",
        attempts=0,
        due_at=now,
        last_status=None,
        message="Waiting for its first attempt",
        created_at=now,
        ended_at=None,
    )


def _build_deliveries(notification: Notification, ports: DispatchPorts, now: datetime) -> Iterator[Delivery]:
    for endpoint in ports.webhooks.list_endpoints(notification.workspace_id):
        if endpoint.state == "enabled" and is_wanted(notification.event, endpoint.events):
            yield build_delivery(notification, "webhook", endpoint.endpoint_id, now=now)
    for recipient in ports.mail.list_recipients(notification.workspace_id):
        if _is_for(notification, recipient) and is_wanted(notification.event, recipient.events):
            yield build_delivery(notification, "mail", recipient.user_id, now=now)


def _is_for(notification: Notification, recipient: MailRecipient) -> bool:
    """Return whether a user is told: of what they started themselves, and of what the system did for everybody."""
    return notification.user_id in {SYSTEM, recipient.user_id}
