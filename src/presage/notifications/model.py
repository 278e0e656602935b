"""Where notifications go outside of the workspace API, and each one's way there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from presage.jobs.model import Notification

ChannelKind = Literal["webhook", "mail"]
DeliveryState = Literal["pending", "delivered", "failed"]
EndpointState = Literal["enabled", "disabled"]


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An address of a customer's own that is told of `events`.

    `secret_id` names the secret that signs, kept where credentials are; `previous_secret_id` signs beside it until `previous_until`.
    `failures` counts attempts in a row that failed, the first of them at `failing_since`.
    """

    workspace_id: str
    endpoint_id: str
    url: str
    events: tuple[str, ...]
    state: EndpointState
    reason: str
    secret_id: str
    previous_secret_id: str | None
    previous_until: datetime | None
    failures: int
    failing_since: datetime | None
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Whether a user gets notifications by mail, at the address of the account, and of which events."""

    workspace_id: str
    user_id: str
    enabled: bool
    events: tuple[str, ...]
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class MailRecipient:
    """A user who wants mail."""

    user_id: str
    email: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification's way to one target: an endpoint's id, or a user's.

    Whoever takes it counts an attempt and moves `due_at` on, so that it comes again if the attempt is never recorded.
    `last_status` is what HTTP answered, null if nothing did; `message` is a line for people.
    """

    workspace_id: str
    delivery_id: str
    notification_id: str
    channel: ChannelKind
    target_id: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    last_status: int | None
    message: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a channel is given: where to, what, and with which secrets it is signed, the newest first."""

    recipient: str
    delivery_id: str
    notification: Notification
    secrets: tuple[str, ...] = field(repr=False)
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an attempt. `verdict`: `refused` is what no repetition can mend."""

    verdict: Literal["delivered", "failed", "refused"]
    message: str
    status: int | None = None
