"""When a delivery is tried again, and when an endpoint that fails is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from presage.jobs.model import Notification
from presage.notifications.events import DISABLED
from presage.notifications.model import Delivery, Receipt, WebhookEndpoint

MAX_ATTEMPTS = 10
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 6 * 3600
"""Ten attempts are spread over 8 h 31 min at most, half of that on average."""
GIVE_UP_AFTER = timedelta(days=3)
GIVE_UP_FAILURES = 10
"""An endpoint is disabled after so many attempts in a row that failed, over at least so long."""
LONGEST_MESSAGE = 500


def settle(claimed: Delivery, receipt: Receipt, *, now: datetime, draw: float) -> Delivery:
    """Return a claimed delivery after its attempt: delivered, failed for good, or due again after a random pause.

    The pause is uniform below a bound that doubles with every attempt; `draw` in [0, 1) says where.

    References:
        Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015), "full jitter".
    """
    tried = replace(claimed, last_status=receipt.status, message=receipt.message[:LONGEST_MESSAGE])
    if receipt.verdict == "delivered":
        return replace(tried, state="delivered", ended_at=now)
    if receipt.verdict == "refused" or claimed.attempts >= MAX_ATTEMPTS:
        return replace(tried, state="failed", ended_at=now)
    bound = min(FIRST_PAUSE_SECONDS * 2 ** (claimed.attempts - 1), LONGEST_PAUSE_SECONDS)
    return replace(tried, due_at=now + timedelta(seconds=draw * bound))


def note_attempt(endpoint: WebhookEndpoint, receipt: Receipt, *, now: datetime) -> WebhookEndpoint:
    """Return an endpoint after an attempt: a success forgets failures; one that says it is gone, or fails for long, is disabled."""
    if endpoint.state == "disabled":
        return endpoint
    if receipt.verdict == "delivered":
        return replace(endpoint, failures=0, failing_since=None)
    since = endpoint.failing_since or now
    failing = replace(endpoint, failures=endpoint.failures + 1, failing_since=since)
    if receipt.verdict == "refused":
        return replace(failing, state="disabled", reason=receipt.message[:LONGEST_MESSAGE])
    if failing.failures >= GIVE_UP_FAILURES and now - since >= GIVE_UP_AFTER:
        reason = f"{failing.failures} attempts in a row failed since {since:%Y-%m-%d %H:%M} UTC; the last one: {receipt.message}"
        return replace(failing, state="disabled", reason=reason[:LONGEST_MESSAGE])
    return failing


def build_disabled_notification(endpoint: WebhookEndpoint, *, now: datetime) -> Notification:
    """Return what its user is told of an endpoint that was disabled."""
    since = endpoint.failing_since or now
    return Notification(
        workspace_id=endpoint.workspace_id,
        notification_id=f"ntf_{endpoint.endpoint_id}_{since:%Y%m%d%H%M%S}",
        user_id=endpoint.created_by,
        subject="Webhook disabled",
        body=f"{endpoint.url} gets nothing more until it is enabled again. {endpoint.reason}",
        created_at=now,
        read_at=None,
        event=DISABLED,
    )
