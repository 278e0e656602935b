"""Keep what operators did to experiments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. Experiments that are there have no events."""
    op.create_table(
        "experiment_events",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", DATETIME(fsp=6), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=False),
        sa.Column("extra_days", sa.Integer(), nullable=False),
        sa.Column("extra_units", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "experiment_id", "number"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Drop it, and with it the record of who did what."""
    op.drop_table("experiment_events")
