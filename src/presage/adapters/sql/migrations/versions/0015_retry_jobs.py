"""Which job another was retried as, and the other way round."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; none was retried before."""
    for name in ("retry_of", "retried_as"):
        op.add_column("jobs", sa.Column(name, sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Drop both; the jobs stay, and know no more of each other."""
    for name in ("retry_of", "retried_as"):
        op.drop_column("jobs", name)
