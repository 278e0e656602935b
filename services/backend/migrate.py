"""Brings both schemas to the newest revision: `python -m services.backend.migrate`, with the backend's own environment.

Elastic Beanstalk runs it before it serves a new version (`platform/hooks/predeploy`). Idempotency: what is current is left alone.
"""

from __future__ import annotations

import logging
import os

from presage.runtime.observability import with_fields
from presage.runtime.settings import load_settings
from services.backend.bootstrap_migrations import build_migrations
from services.backend.settings import BackendSettings

_LOG = logging.getLogger("presage.migrate")


def main() -> None:
    """Apply what is missing, and log what it was."""
    migrate = build_migrations(load_settings(BackendSettings, os.environ))  # noqa: TID251 - the edge of the process
    _LOG.info("schemas are current", extra=with_fields({"warehouse_applied": migrate()}))


if __name__ == "__main__":
    main()
