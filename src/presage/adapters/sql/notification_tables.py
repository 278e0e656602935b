"""The tables of notifications, of the channels that they go out by, and of their deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from presage.adapters.sql.tables import JsonObject, Row, table_arguments


class NotificationRow(Row):
    """A line for a user, and its outbox entry (`dispatched_at` is null until it has been handed to the channels)."""

    __tablename__ = "notifications"
    __table_args__ = table_arguments(
        Index("ix_notifications_page", "workspace_id", "created_at", "notification_id"),
        Index("ix_notifications_undispatched", "dispatched_at", "created_at"),
    )
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    notification_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    event: Mapped[str] = mapped_column(server_default="")
    dispatched_at: Mapped[datetime | None]


class WebhookEndpointRow(Row):
    """An address that is told of events. Its secrets are kept elsewhere; here are their names."""

    __tablename__ = "webhook_endpoints"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    events: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(512))
    secret_id: Mapped[str]
    previous_secret_id: Mapped[str | None]
    previous_until: Mapped[datetime | None]
    failures: Mapped[int]
    failing_since: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class MailSettingsRow(Row):
    """Whether a user gets mail, and of what."""

    __tablename__ = "mail_settings"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool]
    events: Mapped[JsonObject]
    changed_at: Mapped[datetime]


class DeliveryRow(Row):
    """One notification's way to one target."""

    __tablename__ = "deliveries"
    __table_args__ = table_arguments(
        Index("ix_deliveries_due", "state", "due_at"),
        Index("ix_deliveries_ended", "ended_at"),
        Index("ix_deliveries_page", "workspace_id", "target_id", "created_at", "delivery_id"),
    )
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(primary_key=True)
    notification_id: Mapped[str]
    channel: Mapped[str] = mapped_column(String(16))
    target_id: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    last_status: Mapped[int | None]
    message: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
