"""Secrets Manager's rotation of the database's password: it calls with each of four steps in turn, and again after a failure."""

import logging

from lambdas.rotate_database_password.bootstrap import build_rotation
from lambdas.rotate_database_password.settings import Settings
from presage.runtime.functions import Event
from presage.runtime.observability import configure_logging, with_fields
from presage.runtime.settings import load_settings

SETTINGS = load_settings(Settings)
configure_logging(service="rotate_database_password", stage=SETTINGS.stage)
ROTATION = build_rotation(SETTINGS)
_LOG = logging.getLogger("presage.rotation")


def handle(event: Event, _context: object) -> None:
    """Do the event's step; a failure is Lambda's to report and Secrets Manager's to repeat."""
    step, token = event["Step"], event["ClientRequestToken"]
    done = ROTATION.run(step, event["SecretId"], token)
    _LOG.info("rotation step", extra=with_fields({"step": step, "version_id": token, "done": done}))
