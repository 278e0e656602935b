"""People's accounts: who logs in, where they are logged in, what was mailed to them, and how often they tried."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


def upgrade() -> None:
    """Add them. Users of before have no account; a backend of the version before adds users without one."""
    op.add_column("users", sa.Column("account_id", sa.String(length=64), nullable=True))
    op.create_index("uq_users_workspace_id_account_id", "users", ["workspace_id", "account_id"], unique=True)
    op.create_index("ix_users_account_id", "users", ["account_id"])
    _create_accounts()
    _create_sessions()
    _create_links()
    op.create_table(
        "attempts", _text("counted"), sa.Column("arrival", sa.Double(), nullable=False), sa.PrimaryKeyConstraint("counted"), **_TABLE
    )
    op.create_index("ix_attempts_arrival", "attempts", ["arrival"])


def downgrade() -> None:
    """Drop them. Who has no access token cannot get in any more, until an administrator adds them anew."""
    for table in ("attempts", "mailed_links", "account_sessions", "accounts"):
        op.drop_table(table)
    op.drop_index("ix_users_account_id", "users")
    op.drop_index("uq_users_workspace_id_account_id", "users")
    op.drop_column("users", "account_id")


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        _text("account_id"),
        _text("email", 254),
        _text("email_key", 254),
        _text("name", 200),
        _text("password_hash", 200),
        _time("created_at"),
        sa.Column("last_workspace_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
        sa.UniqueConstraint("email_key", name="uq_accounts_email_key"),
        **_TABLE,
    )


def _create_sessions() -> None:
    op.create_table(
        "account_sessions",
        _text("session_id"),
        _text("token_sha256"),
        _text("account_id"),
        sa.Column("workspace_id", sa.String(length=64), nullable=True),
        _time("created_at"),
        _time("last_seen_at"),
        _text("address"),
        _text("user_agent", 200),
        sa.PrimaryKeyConstraint("session_id"),
        sa.UniqueConstraint("token_sha256", name="uq_account_sessions_token_sha256"),
        **_TABLE,
    )
    for column in ("account_id", "last_seen_at", "created_at"):
        op.create_index(f"ix_account_sessions_{column}", "account_sessions", [column])


def _create_links() -> None:
    op.create_table(
        "mailed_links",
        _text("link_id"),
        _text("token_sha256"),
        _text("kind", 16),
        _text("email", 254),
        _text("email_key", 254),
        _time("created_at"),
        _time("expires_at"),
        sa.Column("workspace_id", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("invited_by", sa.String(length=64), nullable=True),
        sa.Column("used_at", DATETIME(fsp=6), nullable=True),
        sa.PrimaryKeyConstraint("link_id"),
        sa.UniqueConstraint("token_sha256", name="uq_mailed_links_token_sha256"),
        **_TABLE,
    )
    op.create_index("ix_mailed_links_workspace_id", "mailed_links", ["workspace_id", "created_at"])
    op.create_index("ix_mailed_links_email_key", "mailed_links", ["email_key"])
    op.create_index("ix_mailed_links_expires_at", "mailed_links", ["expires_at"])


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, DATETIME(fsp=6), nullable=False)
