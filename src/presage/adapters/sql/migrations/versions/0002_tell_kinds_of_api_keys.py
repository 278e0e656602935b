"""Tell kinds of API keys, and the web origins of publishable ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both with defaults: keys that are there, and those of a build that knows no kinds, are secret."""
    op.add_column("api_keys", sa.Column("kind", sa.String(length=16), nullable=False, server_default="secret"))
    op.add_column("api_keys", sa.Column("origins", sa.JSON(), nullable=False, server_default=sa.text("(JSON_ARRAY())")))


def downgrade() -> None:
    """Drop both: publishable keys become secret ones."""
    op.drop_column("api_keys", "origins")
    op.drop_column("api_keys", "kind")
