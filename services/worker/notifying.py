"""What `cron.yaml` starts for notifications."""

from __future__ import annotations

from presage.notifications.delivering import DeliveryPorts, deliver_due
from presage.notifications.dispatch import dispatch_pending


def notify_outside(*, ports: DeliveryPorts) -> int:
    """Hand new notifications to their channels, attempt what is due, and return how many were delivered.

    Raises:
        UnavailableError: The database did not answer; the next call goes on.
    """
    dispatch_pending(ports=ports.dispatch, now=ports.clock())
    return deliver_due(ports=ports)
