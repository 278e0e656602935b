"""Find the newest jobs of a state or a kind, as the first page and lists do, without reading all of a workspace's."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INDEXES = {"ix_jobs_state": "state", "ix_jobs_kind": "kind"}


def upgrade() -> None:
    """Add both."""
    for name, column in INDEXES.items():
        op.create_index(name, "jobs", ["workspace_id", column, "created_at", "job_id"])


def downgrade() -> None:
    """Drop both; the same jobs are found, more slowly."""
    for name in INDEXES:
        op.drop_index(name, "jobs")
