"""Composition root of rotate_database_password."""

from functools import partial
from secrets import token_urlsafe

from lambdas.rotate_database_password.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.sql.password_rotation import DatabaseAddress, PasswordRotation

PASSWORD_BYTES = 30
"""40 characters of `A-Za-z0-9_-`; RDS takes 41 for MySQL."""

READ_TIMEOUT_SECONDS = 3.0
"""All attempts of one call end before the function does, so that what failed is in its log."""


def build_rotation(settings: Settings) -> PasswordRotation:
    """Return the adapter that runs on AWS."""
    address = DatabaseAddress(settings.database_host, settings.database_port, settings.database_name)
    client = build_client("secretsmanager", read_timeout_seconds=READ_TIMEOUT_SECONDS)
    return PasswordRotation(client, address, generate=partial(token_urlsafe, PASSWORD_BYTES))
