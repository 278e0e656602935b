"""Keep what the start of an experiment fixes beside its plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Experiments that are there go on as they are."""
    op.add_column("experiments", sa.Column("control_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop them: experiments whose control is an earlier version would lose it."""
    op.drop_column("experiments", "control_version")
