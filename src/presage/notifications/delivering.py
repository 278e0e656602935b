"""Deliver what is due: at least once, each target by itself, so that one that hangs holds up no other. Forget what ended long ago."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from presage.errors import CorruptArtifactError, NotFoundError, UnavailableError
from presage.features.sources.credentials import CredentialStore
from presage.jobs.ports import NotificationStore
from presage.notifications.dispatch import DispatchPorts
from presage.notifications.health import MAX_ATTEMPTS, build_disabled_notification, note_attempt, settle
from presage.notifications.model import ChannelKind, Delivery, Envelope, Receipt, WebhookEndpoint
from presage.notifications.ports import Channel, DeliveryStore
from presage.notifications.webhooks import DISABLED_BY_USER, SECRET, name_secret

LEASE_SECONDS = 120
"""Longer than any attempt takes. A delivery whose worker was lost comes again after it."""
RUN_SECONDS = 40
"""No attempt begins later in a run, which is called once a minute."""
THREADS = 8
MOST_FORGOTTEN = 1000
"""Of one call: more than one can deliver, so that they do not pile up."""

_LOG = logging.getLogger("presage.notifications")


@dataclass(frozen=True, slots=True)
class DeliveryPorts:
    """What delivering needs from outside. `draw` returns a number in [0, 1)."""

    dispatch: DispatchPorts
    notifications: NotificationStore
    deliveries: DeliveryStore
    credentials: CredentialStore
    channels: Mapping[ChannelKind, Channel]
    clock: Callable[[], datetime]
    draw: Callable[[], float]


def deliver_due(*, ports: DeliveryPorts) -> int:
    """Attempt deliveries that are due, those of a target one after the other until one fails, and return how many were delivered.

    Targets take turns by chance, so that those that hang until the time is up do not do so every time to the same others.
    Idempotency: whoever counts an attempt first makes it; one that is not recorded is made again, under the same idempotency key.

    Raises:
        UnavailableError: The database did not list them.
    """
    begun = ports.clock()
    targets: dict[tuple[str, str], list[Delivery]] = {}
    for delivery in ports.deliveries.list_due(now=begun):
        targets.setdefault((delivery.workspace_id, delivery.target_id), []).append(delivery)
    turns = sorted(targets.values(), key=lambda _: ports.draw())
    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        return sum(pool.map(partial(_deliver_to_target, ports=ports, until=begun + timedelta(seconds=RUN_SECONDS)), turns))


def forget_ended(*, deliveries: DeliveryStore, retention_days: int, now: datetime) -> int:
    """Forget some of the deliveries that ended more than `retention_days` ago, and return how many.

    Their notifications stay, and note that they were handed over: nothing is delivered anew.

    Raises:
        UnavailableError: The database did not answer; the next call goes on.
    """
    return deliveries.delete_ended(before=now - timedelta(days=retention_days), limit=MOST_FORGOTTEN)


def _deliver_to_target(due: Sequence[Delivery], *, ports: DeliveryPorts, until: datetime) -> int:
    delivered = 0
    for delivery in due:
        now = ports.clock()
        if now >= until:
            break
        claimed = ports.deliveries.claim_delivery(delivery, now=now, until=now + timedelta(seconds=LEASE_SECONDS))
        if claimed is None:
            continue
        try:
            receipt = _attempt(claimed, ports)
        except UnavailableError as error:
            _LOG.warning("attempt %d of delivery %s waits: %s", claimed.attempts, claimed.delivery_id, error)
            receipt = Receipt("failed", "We could not send it; this says nothing of the recipient")
            ports.deliveries.record_attempt(settle(claimed, receipt, now=ports.clock(), draw=ports.draw()))
            break
        ports.deliveries.record_attempt(settle(claimed, receipt, now=ports.clock(), draw=ports.draw()))
        if receipt.verdict != "delivered":
            break
        delivered += 1
    return delivered


def _attempt(claimed: Delivery, ports: DeliveryPorts) -> Receipt:
    if claimed.attempts > MAX_ATTEMPTS:
        return Receipt("refused", f"Given up: none of {MAX_ATTEMPTS} attempts came to an end")
    try:
        return _send_mail(claimed, ports) if claimed.channel == "mail" else _send_webhook(claimed, ports)
    except NotFoundError as error:
        return Receipt("refused", str(error))
    except CorruptArtifactError:
        _LOG.exception("the secret for delivery %s cannot be used", claimed.delivery_id)
        return Receipt("refused", "The endpoint's secret cannot be read any more: rotate it")


def _send_mail(claimed: Delivery, ports: DeliveryPorts) -> Receipt:
    recipients = ports.dispatch.mail.list_recipients(claimed.workspace_id)
    wanted = [recipient.email for recipient in recipients if recipient.user_id == claimed.target_id]
    if not wanted:
        return Receipt("refused", "The user wants no mail any more")
    return ports.channels["mail"].send(_build_envelope(claimed, wanted[0], (), ports))


def _send_webhook(claimed: Delivery, ports: DeliveryPorts) -> Receipt:
    endpoint = ports.dispatch.webhooks.get_endpoint(claimed.workspace_id, claimed.target_id)
    if endpoint.state == "disabled":
        _tell_if_disabled(endpoint, ports)  # whoever disabled it may not have come to it
        return Receipt("refused", "The endpoint is disabled")
    receipt = ports.channels["webhook"].send(_build_envelope(claimed, endpoint.url, _read_secrets(endpoint, ports), ports))
    if receipt.verdict != "delivered" or endpoint.failures:
        _note(endpoint, receipt, ports)
    return receipt


def _note(endpoint: WebhookEndpoint, receipt: Receipt, ports: DeliveryPorts) -> None:
    now = ports.clock()
    changed = ports.dispatch.webhooks.change_endpoint(
        endpoint.workspace_id, endpoint.endpoint_id, lambda current: note_attempt(current, receipt, now=now)
    )
    _tell_if_disabled(changed, ports)


def _tell_if_disabled(endpoint: WebhookEndpoint, ports: DeliveryPorts) -> None:
    if endpoint.state == "disabled" and endpoint.reason != DISABLED_BY_USER:
        ports.notifications.put_notification(build_disabled_notification(endpoint, now=ports.clock()))


def _read_secrets(endpoint: WebhookEndpoint, ports: DeliveryPorts) -> tuple[str, ...]:
    """Return the secrets that sign now, the newest first."""
    names = [endpoint.secret_id]
    if endpoint.previous_secret_id is not None and endpoint.previous_until is not None and ports.clock() < endpoint.previous_until:
        names.append(endpoint.previous_secret_id)
    try:
        contents = [ports.credentials.get_credential(endpoint.workspace_id, name_secret(endpoint.endpoint_id, name)) for name in names]
    except NotFoundError as error:
        raise UnavailableError(f"A secret of {endpoint.endpoint_id} was rotated away meanwhile") from error
    return tuple(content[SECRET] for content in contents)


def _build_envelope(claimed: Delivery, recipient: str, secrets: tuple[str, ...], ports: DeliveryPorts) -> Envelope:
    notification = ports.dispatch.outbox.get_notification(claimed.workspace_id, claimed.notification_id)
    return Envelope(recipient, claimed.delivery_id, notification, secrets, ports.clock())
