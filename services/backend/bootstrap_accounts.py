"""The part of the composition root that people's accounts are made of."""

from __future__ import annotations

from presage.adapters.argon2.password_hasher import Argon2PasswordHasher
from presage.adapters.client import build_client
from presage.adapters.ses.account_mail import ATTEMPTS, READ_TIMEOUT_SECONDS, SesAccountMail
from presage.adapters.ses.sender import SesSender
from presage.adapters.sql.stores import SqlStores
from presage.tenancy.accounts.pages_address import PagesAddress
from presage.tenancy.accounts.ports import AccountPorts
from services.backend.settings import BackendSettings


def build_account_ports(settings: BackendSettings, sql: SqlStores) -> AccountPorts:
    """Return the real ports. Nothing is connected yet; pages that are not where they may be end the start."""
    client = build_client("sesv2", read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=ATTEMPTS)
    sender = SesSender(client, sender=settings.mail_sender, configuration_set=settings.mail_configuration_set)
    return AccountPorts(
        accounts=sql.accounts,
        sessions=sql.sessions,
        links=sql.links,
        hasher=Argon2PasswordHasher(),
        mail=SesAccountMail(sender),
        limiter=sql.limiter,
        workspaces=sql.workspaces,
        members=sql.members,
        pages=PagesAddress(settings.pages_url),
    )
