"""Links in mails: who holds one reads the mail of an address. Each works once, and not for long."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from presage.errors import InvalidInputError, NotFoundError, PresageError
from presage.identifiers import new_identifier
from presage.tenancy.accounts.attempts import count_attempt
from presage.tenancy.accounts.mails import (
    Mail,
    build_known_address_mail,
    build_reset_mail,
    build_sign_up_mail,
    build_unknown_address_mail,
)
from presage.tenancy.accounts.model import LinkKind, MailedLink
from presage.tenancy.accounts.ports import AccountPorts
from presage.tenancy.fields import EMAIL_LENGTH
from presage.tenancy.model import Role
from presage.tenancy.tokens import hash_token, new_token

LIFETIMES: Mapping[LinkKind, timedelta] = {
    "sign_up": timedelta(hours=24),
    "reset": timedelta(hours=1),
    "invitation": timedelta(days=7),
}
PATHS: Mapping[LinkKind, str] = {"sign_up": "/sign-up/", "reset": "/reset/", "invitation": "/invitations/"}
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(\.{_LABEL})+")
"""What browsers take in a field for an address (HTML, 4.10.5.1.5), with a dot in its domain. SES takes no others."""


def ask_for_link(email: str, *, wanted: Literal["sign_up", "reset"], client: str, now: datetime, ports: AccountPorts) -> None:
    """Mail a link to whoever wants an account, or a new password: to an address that has none a link to sign up, else one to reset.

    Both are one link, one mail and one answer: neither what is answered nor when tells whether there is an account. The mail to an
    account goes to its own address, not to one that is only spelt like it.

    Raises:
        InvalidInputError: It is no address that mail can be sent to.
        RateLimitedError: There were too many mails to it, or from where this comes from.
        UnavailableError: The mail could not be sent; no link is left.
    """
    email = require_mailbox(email)
    count_attempt("mail", email=email, client=client, limiter=ports.limiter)
    account = ports.accounts.find_account(email)
    if account is None:
        build = build_sign_up_mail if wanted == "sign_up" else build_unknown_address_mail
        mail_link(build_link("sign_up", email, now=now), build, ports=ports)
    else:
        build = build_known_address_mail if wanted == "sign_up" else build_reset_mail
        mail_link(build_link("reset", account.email, now=now), build, ports=ports)


def open_link(token: str, kind: LinkKind, *, now: datetime, ports: AccountPorts) -> MailedLink:
    """Return the link of that token.

    Raises:
        NotFoundError: There is none, or it was used, or has expired.
    """
    link = ports.links.find_link(hash_token(token))
    if link is None or link.kind != kind or link.used_at is not None or link.expires_at <= now:
        raise NotFoundError("This link does not work: it works once and not for long; ask for another one")
    return link


def build_link(kind: LinkKind, email: str, *, now: datetime, invitation: tuple[str, Role, str] | None = None) -> tuple[MailedLink, str]:
    """Return a new link and its token; an invitation is to a workspace, for a role, by a user."""
    token = new_token()
    link = MailedLink(new_identifier("lnk"), hash_token(token), kind, email, now, now + LIFETIMES[kind], *(invitation or ()))
    return link, token


def mail_link(issued: tuple[MailedLink, str], build: Callable[[str], Mail], *, ports: AccountPorts) -> None:
    """Keep a link and mail it. It is kept before, so that it works when the mail arrives, and forgotten if no mail was sent.

    Raises:
        InvalidInputError: Nothing can be sent to that address.
        UnavailableError: The mail could not be sent.
    """
    link, token = issued
    ports.links.create_link(link)
    try:
        ports.mail.send(link.email, build(ports.pages.build(f"{PATHS[link.kind]}{token}")))
    except PresageError:
        ports.links.delete_link(link.link_id)
        raise


def require_mailbox(email: str) -> str:
    """Return the address as it was typed.

    Raises:
        InvalidInputError: It is none that mail can be sent to.
    """
    email = email.strip()
    if len(email) > EMAIL_LENGTH or not MAILBOX.fullmatch(email):
        raise InvalidInputError(f"Expected an email address such as a@example.com, got {email[:EMAIL_LENGTH]!r}", path="$.email")
    return email
