"""The audit log: entries that are added, and never changed or deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REFUSE = "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'The audit log only grows'"


def upgrade() -> None:
    """Create the table, empty: nothing is known of what was done before, and let the database refuse changes of what is in it."""
    op.create_table(
        "audit_entries",
        _text("workspace_id"),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", DATETIME(fsp=6), nullable=False),
        _text("user_id"),
        _text("email", 254),
        _text("action", 128),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        _text("request_id", 128),
        _text("address"),
        _text("outcome", 16),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("refers_to", sa.BigInteger(), nullable=True),
        _text("previous_sha256"),
        _text("sha256"),
        sa.PrimaryKeyConstraint("workspace_id", "sequence"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_audit_entries_user", "audit_entries", ["workspace_id", "user_id", "sequence"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["workspace_id", "action", "sequence"])
    for change in ("update", "delete"):
        op.execute(f"CREATE TRIGGER audit_entries_no_{change} BEFORE {change.upper()} ON audit_entries {_REFUSE}")


def downgrade() -> None:
    """Drop it, with all that is in it: export it before."""
    op.drop_table("audit_entries")


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)
