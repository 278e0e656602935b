"""What routes answer, where it is no thing of the domain as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from presage.jobs.model import Job, JobKind, JobState
from presage.notifications.model import Delivery, DeliveryState, EndpointState, WebhookEndpoint
from presage.tenancy.model import ApiKey, KeyKind, Plan, Role, Scope, User
from presage.training.lineage import VersionLineage
from presage.training.model import AliasMove


class HoldoutView(msgspec.Struct, frozen=True):
    """A workspace's holdout; nobody's and never if it was not set."""

    share: float
    changed_by: str | None
    changed_at: datetime | None


class RetrainingView(msgspec.Struct, frozen=True):
    """A model's retraining; never, by nobody, if it was not set."""

    every_days: int | None
    on_drift: bool
    changed_by: str | None
    changed_at: datetime | None


class UserView(msgspec.Struct, frozen=True):
    """A user without the token's hash; `token` only in the answer that creates the user."""

    user_id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    token: str | msgspec.UnsetType = msgspec.UNSET


class ApiKeyView(msgspec.Struct, frozen=True):
    """A key; its value `key` only in the answer that creates it."""

    api_key_id: str
    name: str
    plan: Plan
    kind: KeyKind
    origins: Sequence[str]
    scopes: Sequence[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    key: str | msgspec.UnsetType = msgspec.UNSET


class WebhookView(msgspec.Struct, frozen=True):
    """A webhook without the names of its secrets; `secret` only in the answers that make one."""

    endpoint_id: str
    url: str
    events: Sequence[str]
    state: EndpointState
    reason: str
    failures: int
    failing_since: datetime | None
    previous_secret_until: datetime | None
    created_by: str
    created_at: datetime
    secret: str | msgspec.UnsetType = msgspec.UNSET


class DeliveryView(msgspec.Struct, frozen=True):
    """A notification's way to a webhook; `last_status` is what it answered, null if nothing did."""

    delivery_id: str
    notification_id: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    last_status: int | None
    message: str
    created_at: datetime
    ended_at: datetime | None


class MailSettingsView(msgspec.Struct, frozen=True):
    """Whether the caller gets mail, at which address, and of which events; never, if it was not set."""

    address: str
    enabled: bool
    events: Sequence[str]
    changed_at: datetime | None


class JobView(msgspec.Struct, frozen=True):
    """A job without its checkpoint and lease."""

    job_id: str
    kind: JobKind
    state: JobState
    progress: float
    message: str
    attempts: int
    arguments: Mapping[str, object]
    result: Mapping[str, object]
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    cancel_requested: bool
    retry_of: str | None
    retried_as: str | None


class AliasView(msgspec.Struct, frozen=True):
    """What serves under an alias, or did at a moment that was asked for, and what did before, newest first."""

    alias: str
    current: AliasMove | None
    history: Sequence[AliasMove]


class TrainingSetView(msgspec.Struct, frozen=True):
    """What was found in a version's training set; null for one that was built before anything was looked for."""

    training_set_id: str
    statistics: msgspec.Raw | None
    leak_report: msgspec.Raw | None


class PredictionLineage(msgspec.Struct, frozen=True):
    """From a prediction back to the data: what served then, and what the version that answered was made from.

    `version` is null for an answer that no version gave (`answered_by` says what did).
    """

    prediction_id: str
    created_at: datetime
    answered_by: str | None
    in_production: AliasMove | None
    version: VersionLineage | None


def view_user(user: User, token: str | msgspec.UnsetType = msgspec.UNSET) -> UserView:
    """Return what the API tells of a user."""
    return UserView(user.user_id, user.email, user.name, user.role, user.created_at, token)


def view_api_key(key: ApiKey, value: str | msgspec.UnsetType = msgspec.UNSET) -> ApiKeyView:
    """Return what the API tells of a key."""
    return ApiKeyView(
        api_key_id=key.api_key_id,
        name=key.name,
        plan=key.plan,
        kind=key.kind,
        origins=key.origins,
        scopes=key.scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        key=value,
    )


def view_webhook(endpoint: WebhookEndpoint, secret: str | msgspec.UnsetType = msgspec.UNSET) -> WebhookView:
    """Return what the API tells of a webhook."""
    return WebhookView(
        endpoint_id=endpoint.endpoint_id,
        url=endpoint.url,
        events=endpoint.events,
        state=endpoint.state,
        reason=endpoint.reason,
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        previous_secret_until=endpoint.previous_until,
        created_by=endpoint.created_by,
        created_at=endpoint.created_at,
        secret=secret,
    )


def view_delivery(delivery: Delivery) -> DeliveryView:
    """Return what the API tells of a delivery."""
    return msgspec.convert(delivery, DeliveryView, from_attributes=True)


def view_job(job: Job) -> JobView:
    """Return what the API tells of a job."""
    return msgspec.convert(job, JobView, from_attributes=True)
