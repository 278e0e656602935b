"""Five roles: who was a member is a developer, who may do what members could."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the role. A backend of the version before does not know the new one: it answers such users 500 until it is replaced."""
    op.execute("UPDATE users SET role = 'developer' WHERE role = 'member'")


def downgrade() -> None:
    """Make all others members. Nobody gains rights: the tokens of those who had fewer open nothing any more."""
    op.execute("UPDATE users SET token_sha256 = SHA2(CONCAT(UUID(), RAND()), 256) WHERE role IN ('analyst', 'viewer')")
    op.execute("UPDATE users SET role = 'member' WHERE role <> 'owner'")
