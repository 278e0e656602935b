"""Notify outside: events, the outbox, webhooks, mail settings, deliveries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    """Add them. Notifications that are there go nowhere any more; their event is what their subject says.

    A worker of the version before, which may still run, puts in notifications without an event: they have none.
    """
    op.add_column("notifications", sa.Column("event", sa.String(length=64), server_default="", nullable=False))
    op.add_column("notifications", sa.Column("dispatched_at", DATETIME(fsp=6), nullable=True))
    op.execute(
        "UPDATE notifications SET dispatched_at = created_at, event = LEFT(CONCAT("
        "REPLACE(LOWER(TRIM(TRAILING SUBSTRING_INDEX(subject, ' ', -1) FROM subject)), ' ', '_'), '.', "
        "SUBSTRING_INDEX(subject, ' ', -1)), 64)"
    )
    op.execute("UPDATE notifications SET event = REPLACE(event, '_.', '.')")
    op.create_index("ix_notifications_undispatched", "notifications", ["dispatched_at", "created_at"])
    _create_webhook_endpoints()
    op.create_table(
        "mail_settings",
        *_text("workspace_id", "user_id"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("changed_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "user_id"),
        **_TABLE,
    )
    _create_deliveries()


def downgrade() -> None:
    """Drop them; what was not delivered is not."""
    for table in ("deliveries", "mail_settings", "webhook_endpoints"):
        op.drop_table(table)
    op.drop_index("ix_notifications_undispatched", "notifications")
    op.drop_column("notifications", "dispatched_at")
    op.drop_column("notifications", "event")


def _create_webhook_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        *_text("workspace_id", "endpoint_id"),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=False),
        *_text("secret_id"),
        sa.Column("previous_secret_id", sa.String(length=64), nullable=True),
        sa.Column("previous_until", DATETIME(fsp=6), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", DATETIME(fsp=6), nullable=True),
        *_text("created_by"),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "endpoint_id"),
        **_TABLE,
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        *_text("workspace_id", "delivery_id", "notification_id"),
        sa.Column("channel", sa.String(length=16), nullable=False),
        *_text("target_id"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", DATETIME(fsp=6), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(length=512), nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.Column("ended_at", DATETIME(fsp=6), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "delivery_id"),
        **_TABLE,
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "due_at"])
    op.create_index("ix_deliveries_ended", "deliveries", ["ended_at"])
    op.create_index("ix_deliveries_page", "deliveries", ["workspace_id", "target_id", "created_at", "delivery_id"])


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(length=64), nullable=False) for name in names]
