"""What `cron.yaml` starts for notifications."""

from __future__ import annotations

from presage.notifications.delivering import DeliveryPorts, deliver_due, forget_ended
from presage.notifications.dispatch import dispatch_pending


def notify_outside(*, ports: DeliveryPorts, retention_days: int) -> int:
    """Hand new notifications to their channels, attempt what is due, forget what is old, and return how many were delivered.

    Raises:
        UnavailableError: The database did not answer; the next call goes on.
    """
    dispatch_pending(ports=ports.dispatch, now=ports.clock())
    delivered = deliver_due(ports=ports)
    forget_ended(deliveries=ports.deliveries, retention_days=retention_days, now=ports.clock())
    return delivered
