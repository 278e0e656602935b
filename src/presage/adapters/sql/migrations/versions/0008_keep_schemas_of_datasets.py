"""Keep the schemas that datasets had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their lineage; that of datasets which are there begins with the columns that they have."""
    op.add_column("datasets", sa.Column("schema_version", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "dataset_schemas",
        sa.Column("workspace_id", sa.String(length=64), nullable=False),
        sa.Column("dataset_id", sa.String(length=64), nullable=False),
        sa.Column("schema_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("columns_added", sa.JSON(), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "dataset_id", "schema_version"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.execute(
        "INSERT INTO dataset_schemas (workspace_id, dataset_id, schema_version, `columns`, columns_added, cause, created_at) "
        "SELECT workspace_id, dataset_id, 1, `columns`, `columns`, 'declared', created_at FROM datasets"
    )


def downgrade() -> None:
    """Drop it: datasets keep the columns that they have."""
    op.drop_table("dataset_schemas")
    op.drop_column("datasets", "schema_version")
