"""Mails to people about their accounts. What they say holds the right to do something: none of it is logged."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from presage.adapters.ses.sender import MailClosedError, MailRefusedError, SesSender, build_simple
from presage.errors import InvalidInputError, UnavailableError
from presage.tenancy.accounts.mails import Mail

if TYPE_CHECKING:
    from types_boto3_sesv2.type_defs import EmailContentTypeDef

READ_TIMEOUT_SECONDS = 4.0
ATTEMPTS = 2
"""Somebody waits for the answer: with the time to connect, no more than 13 s in all."""


class SesAccountMail:
    """`AccountMail` by SES."""

    def __init__(self, sender: SesSender) -> None:
        self._sender = sender

    def send(self, recipient: str, mail: Mail) -> None:
        """Return when SES took it.

        Raises:
            InvalidInputError: SES sends nothing to that address.
            UnavailableError: SES did not answer, or takes no mail of ours at the moment.
        """
        try:
            self._sender.send(recipient, build_content(mail), action="send a mail of an account")
        except MailRefusedError as error:
            raise InvalidInputError(f"No mail can be sent to this address: {error}", path="$.email") from error
        except MailClosedError as error:
            raise UnavailableError(f"SES takes no mail of ours at the moment: {error}") from error


def build_content(mail: Mail) -> EmailContentTypeDef:
    """Return subject, text and HTML, with the link in both."""
    text = "\n\n".join((*mail.before, mail.link, *mail.after))
    link = escape(mail.link)
    before, after = ([f"<p>{escape(paragraph)}</p>" for paragraph in part] for part in (mail.before, mail.after))
    html = "\n".join((*before, f'<p><a href="{link}">{link}</a></p>', *after))
    return build_simple(mail.subject, text=f"{text}\n", html=f"{html}\n")
