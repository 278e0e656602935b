"""Scopes of API keys, and when they expire."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ALL = sa.text("(JSON_ARRAY('predict', 'records.write', 'predictions.read'))")


def upgrade() -> None:
    """Add both: keys that are there, and those of a build that knows no scopes, may do what their kind may, for ever."""
    op.add_column("api_keys", sa.Column("scopes", sa.JSON(), nullable=False, server_default=_ALL))
    op.add_column("api_keys", sa.Column("expires_at", DATETIME(fsp=6), nullable=True))
    op.execute("UPDATE api_keys SET scopes = JSON_ARRAY('predict', 'records.write') WHERE kind = 'publishable'")


def downgrade() -> None:
    """Drop both. What was limited is revoked: it would else do more than it was made for, or for longer."""
    limited = "expires_at IS NOT NULL OR JSON_LENGTH(scopes) < CASE kind WHEN 'publishable' THEN 2 ELSE 3 END"
    op.execute(f"UPDATE api_keys SET revoked_at = COALESCE(revoked_at, UTC_TIMESTAMP(6)) WHERE {limited}")  # noqa: S608 - a literal
    op.drop_column("api_keys", "expires_at")
    op.drop_column("api_keys", "scopes")
