"""Hands mails to Amazon SES: from one address, counted by one configuration set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from presage.adapters.client import translate_errors

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sesv2.type_defs import EmailContentTypeDef

LONGEST_SUBJECT = 200
_CLOSED = frozenset({"AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "LimitExceededException"})
"""What is wrong with our account, and with no recipient; throttling is unavailable like any other service's."""
_REFUSED = frozenset({"MessageRejected", "BadRequestException"})


class MailRefusedError(Exception):
    """SES does not send this mail to this address."""


class MailClosedError(Exception):
    """SES takes no mail of ours at the moment."""


class SesSender:
    """Sends as `sender`; bounces and complaints are counted by the configuration set."""

    def __init__(self, client: SESV2Client, *, sender: str, configuration_set: str) -> None:
        self._client = client
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, recipient: str, content: EmailContentTypeDef, *, action: str) -> str:
        """Return the id under which SES took the mail; whether it arrives is told by its bounce.

        Raises:
            MailRefusedError: SES does not send it; the message is its reason, a code.
            MailClosedError: SES sends nothing of ours; the message is its reason, a code.
            UnavailableError: SES did not answer; the message begins with `action`.
        """
        try:
            with translate_errors(action):
                answer = self._client.send_email(
                    FromEmailAddress=self._sender,
                    Destination={"ToAddresses": [recipient]},
                    Content=content,
                    ConfigurationSetName=self._configuration_set,
                )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _REFUSED:
                raise MailRefusedError(code) from error
            if code in _CLOSED:
                raise MailClosedError(code) from error
            raise
        return answer["MessageId"]


def build_simple(subject: str, *, text: str, html: str, headers: dict[str, str] | None = None) -> EmailContentTypeDef:
    """Return a mail of both forms; a subject that comes from outside has no line of the head's."""
    return {
        "Simple": {
            "Subject": {"Data": " ".join(subject.split())[:LONGEST_SUBJECT], "Charset": "UTF-8"},
            "Body": {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}},
            "Headers": [{"Name": name, "Value": value} for name, value in (headers or {}).items()],
        }
    }
