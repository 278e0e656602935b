"""Keep holdouts, changes of weights, and what the start of an experiment fixes beside its plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them. Experiments that are there go on as they are, without a holdout."""
    op.add_column("experiments", sa.Column("control_version", sa.Integer(), nullable=True))
    op.add_column("experiments", sa.Column("holdout_share", sa.Double(), nullable=False, server_default=sa.text("0")))
    op.add_column("experiment_events", sa.Column("treatment_share", sa.Double(), nullable=True))
    op.create_table(
        "holdouts",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Drop them: planned weights hold again, held-out units meet experiments, a control that is an earlier version loses it."""
    op.drop_table("holdouts")
    op.drop_column("experiment_events", "treatment_share")
    op.drop_column("experiments", "holdout_share")
    op.drop_column("experiments", "control_version")
