"""What notifying outside needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from presage.jobs.model import Notification
from presage.notifications.model import Delivery, Envelope, MailRecipient, MailSettings, Receipt, WebhookEndpoint


class NotificationOutbox(Protocol):
    """Notifications, which are their own outbox (MySQL)."""

    def list_undispatched(self, *, limit: int = 100) -> Sequence[Notification]:
        """Return those that have not been handed to channels yet, of all workspaces, oldest first."""

    def dispatch(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> bool:
        """Note that it was handed over and add its deliveries, in one transaction; return False, and add none, if it was before."""

    def put_dispatched(self, notification: Notification, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Add a notification that goes nowhere but to these deliveries, in one transaction."""

    def get_notification(self, workspace_id: str, notification_id: str) -> Notification:
        """Return it, or raise `NotFoundError`."""


class DeliveryStore(Protocol):
    """Deliveries (MySQL)."""

    def list_due(self, *, now: datetime, limit: int = 400, of_target: int = 20) -> Sequence[Delivery]:
        """Return pending ones of all workspaces whose time has come, no more than `of_target` of one target.

        Each target's longest due comes first, and before any target's second one, so that no backlog fills the page.
        """

    def claim_delivery(self, delivery: Delivery, *, now: datetime, until: datetime) -> Delivery | None:
        """Count an attempt and let it be due again at `until`; None if another one has it or it is not due or pending any more."""

    def record_attempt(self, delivery: Delivery) -> None:
        """Keep what the claimed attempt came to, unless a later one was begun meanwhile."""

    def list_deliveries(self, workspace_id: str, target_id: str, *, before: str = "", limit: int = 50) -> Sequence[Delivery]:
        """Return a page of a target's, newest first, starting behind the delivery id `before`."""

    def delete_ended(self, *, before: datetime, limit: int) -> int:
        """Forget those of all workspaces that ended before that, at most `limit`, and return how many."""


class WebhookStore(Protocol):
    """Endpoints (MySQL)."""

    def create_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Add it, or raise `AlreadyExistsError`."""

    def get_endpoint(self, workspace_id: str, endpoint_id: str) -> WebhookEndpoint:
        """Return it, or raise `NotFoundError`."""

    def list_endpoints(self, workspace_id: str) -> Sequence[WebhookEndpoint]:
        """Return all of a workspace's, oldest first."""

    def change_endpoint(self, workspace_id: str, endpoint_id: str, change: Callable[[WebhookEndpoint], WebhookEndpoint]) -> WebhookEndpoint:
        """Replace it by what `change` makes of it, nobody else changing it meanwhile, and return that; raise `NotFoundError`."""

    def delete_endpoint(self, workspace_id: str, endpoint_id: str) -> None:
        """Forget it; one that is not there is as good. Its deliveries stay."""


class MailSettingsStore(Protocol):
    """Who gets mail (MySQL)."""

    def find_settings(self, workspace_id: str, user_id: str) -> MailSettings | None:
        """Return the user's, or None."""

    def put_settings(self, settings: MailSettings) -> None:
        """Keep them in place of the user's last ones."""

    def list_recipients(self, workspace_id: str) -> Sequence[MailRecipient]:
        """Return the users who want mail, with their addresses."""


class Channel(Protocol):
    """One way out (a customer's HTTP server; SES)."""

    def send(self, envelope: Envelope) -> Receipt:
        """Try once, within a bounded time, and return what came of it; the same envelope may come again.

        Raises:
            UnavailableError: The way itself is closed at the moment; it says nothing of the recipient.
        """
