"""Register, change, rotate, test and forget the endpoints of a workspace. They see all of its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from presage.errors import ConflictError, InvalidInputError
from presage.features.sources.credentials import CredentialStore
from presage.identifiers import new_identifier
from presage.jobs.model import Notification
from presage.notifications.addresses import parse_destination
from presage.notifications.dispatch import build_delivery
from presage.notifications.events import TEST, check_patterns
from presage.notifications.model import Delivery, WebhookEndpoint
from presage.notifications.ports import NotificationOutbox, WebhookStore
from presage.notifications.signing import new_secret
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

MOST_ENDPOINTS = 10
MAX_OVERLAP_HOURS = 7 * 24
SECRET = "secret"  # noqa: S105 - the name of the credential's only part
DISABLED_BY_USER = "Disabled by a user"


@dataclass(frozen=True, slots=True)
class WebhookPorts:
    """What managing endpoints needs from outside; `allow_loopback` is for a stage on one machine."""

    store: WebhookStore
    credentials: CredentialStore
    outbox: NotificationOutbox
    allow_loopback: bool


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def name_secret(endpoint_id: str, secret_id: str) -> str:
    """Return the credential's name; the slash keeps it apart from names that users can give."""
    return f"webhooks/{endpoint_id}/{secret_id}"


def create_endpoint(by: User, *, url: str, events: Sequence[str], now: datetime, ports: WebhookPorts) -> IssuedSecret:
    """Register an endpoint and return it with its secret.

    Raises:
        ForbiddenError: `by` lacks `webhooks.write`.
        InvalidInputError: The URL leads nowhere public, or an event is none.
        ConflictError: The workspace has as many as it may have.
    """
    workspace_id = authorise(by, "webhooks.write")
    parse_destination(url, allow_loopback=ports.allow_loopback)
    patterns = check_patterns(events)
    if len(ports.store.list_endpoints(workspace_id)) >= MOST_ENDPOINTS:
        raise ConflictError(f"The workspace has {MOST_ENDPOINTS} webhooks, which is the most; delete one")
    endpoint_id = new_identifier("whk")
    secret_id, secret = _issue(workspace_id, endpoint_id, ports)
    endpoint = WebhookEndpoint(
        workspace_id=workspace_id,
        endpoint_id=endpoint_id,
        url=url,
        events=patterns,
        state="enabled",
        reason="",
        secret_id=secret_id,
        previous_secret_id=None,
        previous_until=None,
        failures=0,
        failing_since=None,
        created_by=by.user_id,
        created_at=now,
    )
    ports.store.create_endpoint(endpoint)
    return IssuedSecret(endpoint, secret)


def rotate_secret(by: User, endpoint_id: str, *, overlap_hours: int, now: datetime, ports: WebhookPorts) -> IssuedSecret:
    """Let a new secret sign, the one of before beside it for `overlap_hours`, and forget any older one.

    Raises:
        ForbiddenError: `by` lacks `webhooks.write`.
        InvalidInputError: The overlap is negative or longer than a week.
        NotFoundError: There is no such endpoint.
    """
    workspace_id = authorise(by, "webhooks.write")
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        raise InvalidInputError(f"expected 0 to {MAX_OVERLAP_HOURS} hours, got {overlap_hours}", path="$.overlap_hours")
    ports.store.get_endpoint(workspace_id, endpoint_id)
    secret_id, secret = _issue(workspace_id, endpoint_id, ports)
    dropped: list[str] = []

    def rotate(current: WebhookEndpoint) -> WebhookEndpoint:
        older = [current.previous_secret_id, None if overlap_hours else current.secret_id]
        dropped[:] = [each for each in older if each is not None]
        previous, until = (current.secret_id, now + timedelta(hours=overlap_hours)) if overlap_hours else (None, None)
        return replace(current, secret_id=secret_id, previous_secret_id=previous, previous_until=until)

    endpoint = ports.store.change_endpoint(workspace_id, endpoint_id, rotate)
    for each in dropped:
        ports.credentials.delete_credential(workspace_id, name_secret(endpoint_id, each))
    return IssuedSecret(endpoint, secret)


def change_endpoint(by: User, endpoint_id: str, *, url: str, events: Sequence[str], ports: WebhookPorts) -> WebhookEndpoint:
    """Let it be told at another URL, or of other events.

    Raises:
        ForbiddenError: `by` lacks `webhooks.write`.
        InvalidInputError: The URL leads nowhere public, or an event is none.
        NotFoundError: There is no such endpoint.
    """
    workspace_id = authorise(by, "webhooks.write")
    parse_destination(url, allow_loopback=ports.allow_loopback)
    patterns = check_patterns(events)
    return ports.store.change_endpoint(workspace_id, endpoint_id, lambda current: replace(current, url=url, events=patterns))


def set_enabled(by: User, endpoint_id: str, *, enabled: bool, ports: WebhookPorts) -> WebhookEndpoint:
    """Enable an endpoint, with its failures forgotten, or disable it; raises `ForbiddenError`, `NotFoundError`."""
    workspace_id = authorise(by, "webhooks.write")

    def change(current: WebhookEndpoint) -> WebhookEndpoint:
        if enabled:
            return replace(current, state="enabled", reason="", failures=0, failing_since=None)
        return replace(current, state="disabled", reason=current.reason or DISABLED_BY_USER)

    return ports.store.change_endpoint(workspace_id, endpoint_id, change)


def delete_endpoint(by: User, endpoint_id: str, *, ports: WebhookPorts) -> None:
    """Forget an endpoint, then its secrets; raises `ForbiddenError`, `NotFoundError`. Its deliveries stay, and those that are due fail."""
    workspace_id = authorise(by, "webhooks.write")
    endpoint = ports.store.get_endpoint(workspace_id, endpoint_id)
    ports.store.delete_endpoint(workspace_id, endpoint_id)
    for secret_id in (endpoint.secret_id, endpoint.previous_secret_id):
        if secret_id is not None:
            ports.credentials.delete_credential(workspace_id, name_secret(endpoint_id, secret_id))


def send_test(by: User, endpoint_id: str, *, now: datetime, ports: WebhookPorts) -> Delivery:
    """Send a notification of its own to the endpoint, and return its delivery, which a worker takes within a minute.

    Raises:
        ForbiddenError: `by` lacks `webhooks.write`.
        NotFoundError: There is no such endpoint.
        ConflictError: It is disabled.
    """
    workspace_id = authorise(by, "webhooks.write")
    endpoint = ports.store.get_endpoint(workspace_id, endpoint_id)
    if endpoint.state == "disabled":
        raise ConflictError(f"Webhook {endpoint_id} is disabled; enable it before it is tested")
    notification = Notification(
        workspace_id=workspace_id,
        notification_id=new_identifier("ntf"),
        user_id=by.user_id,
        subject="Webhook tested",
        body=f"A test of {endpoint.url}",
        created_at=now,
        read_at=None,
        event=TEST,
    )
    delivery = build_delivery(notification, "webhook", endpoint_id, now=now)
    ports.outbox.put_dispatched(notification, [delivery], now=now)
    return delivery


def _issue(workspace_id: str, endpoint_id: str, ports: WebhookPorts) -> tuple[str, str]:
    secret_id, secret = new_identifier("sec"), new_secret()
    ports.credentials.put_credential(workspace_id, name_secret(endpoint_id, secret_id), {SECRET: secret})
    return secret_id, secret
