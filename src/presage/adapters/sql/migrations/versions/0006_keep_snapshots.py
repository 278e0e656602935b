"""Keep the snapshots that versions get after they were built."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their history. Versions that are there go on with the snapshot that they were built with."""
    op.create_table(
        "snapshots",
        sa.Column("sequence", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("snapshot_key", sa.String(length=512), nullable=False),
        sa.Column("as_of", DATETIME(fsp=6), nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("workspace_id", "snapshot_key", name="uq_snapshots_workspace_id_snapshot_key"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_snapshots_version", "snapshots", ["workspace_id", "model_id", "version", "sequence"])


def downgrade() -> None:
    """Drop them: every version serves from the snapshot again that it was built with."""
    op.drop_table("snapshots")
