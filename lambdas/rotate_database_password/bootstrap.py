"""Composition root of rotate_database_password."""

from functools import partial
from secrets import token_urlsafe

from lambdas.rotate_database_password.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.sql.password_rotation import DatabaseAddress, PasswordRotation

PASSWORD_BYTES = 30
"""40 characters of `A-Za-z0-9_-`, all of which RDS takes; MySQL takes at most 41 through its API."""


def build_rotation(settings: Settings) -> PasswordRotation:
    """Return the adapter that runs on AWS."""
    address = DatabaseAddress(settings.database_host, settings.database_port, settings.database_name)
    return PasswordRotation(build_client("secretsmanager"), address, generate=partial(token_urlsafe, PASSWORD_BYTES))
