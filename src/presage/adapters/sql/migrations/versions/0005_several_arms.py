"""Keep the weights of several arms with the event that changes them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them. Arms themselves stand in the plan."""
    op.add_column("experiment_events", sa.Column("arm_weights", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop them: where several arms were reweighted, planned weights hold again."""
    op.drop_column("experiment_events", "arm_weights")
