"""Alembic's entry: runs the revisions on the connection that `presage.adapters.sql.migrate` passes."""

from alembic import context

import presage.adapters.sql.audit_tables
import presage.adapters.sql.notification_tables  # noqa: F401 - its tables
from presage.adapters.sql.tables import Row


def run_migrations() -> None:
    """Run the pending revisions in the caller's transaction."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run_migrations()
