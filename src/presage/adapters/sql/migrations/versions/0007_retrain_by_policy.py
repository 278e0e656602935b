"""Keep when models are built anew by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the policies; no model has one."""
    op.create_table(
        "retraining_policies",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=True),
        sa.Column("on_drift", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "model_id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_retraining_policies_model_id", "retraining_policies", ["model_id"])


def downgrade() -> None:
    """Drop them: models are built when somebody asks."""
    op.drop_table("retraining_policies")
