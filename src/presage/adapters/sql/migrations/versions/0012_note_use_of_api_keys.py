"""When an API key was used last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; of what was before nothing is known."""
    op.add_column("api_keys", sa.Column("last_used_at", DATETIME(fsp=6), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("api_keys", "last_used_at")
