"""Mail through Amazon SES: plain text, and the same as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from presage.adapters.client import translate_errors
from presage.notifications.model import Envelope, Receipt
from presage.notifications.signing import IDEMPOTENCY_HEADER

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sesv2.type_defs import EmailContentTypeDef

LONGEST_SUBJECT = 200
_CLOSED = frozenset({"AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "LimitExceededException"})
"""What is wrong with our account, and with no recipient; throttling is unavailable like any other service's."""
_REFUSED = frozenset({"MessageRejected", "BadRequestException"})


class SesMailChannel:
    """`Channel` to mailboxes, from `sender`. SES keeps no idempotency key: a mail of an attempt that was lost may come twice."""

    def __init__(self, client: SESV2Client, *, sender: str, configuration_set: str) -> None:
        """Send as `sender`; bounces and complaints are counted by the configuration set."""
        self._client = client
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, envelope: Envelope) -> Receipt:
        """Hand one mail to SES and return whether it took it; whether it arrives is told by its bounce."""
        try:
            with translate_errors(f"send the mail of {envelope.delivery_id}"):
                answer = self._client.send_email(
                    FromEmailAddress=self._sender,
                    Destination={"ToAddresses": [envelope.recipient]},
                    Content=build_content(envelope),
                    ConfigurationSetName=self._configuration_set,
                )
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _REFUSED:
                return Receipt("refused", f"SES refused it: {code}")
            if code in _CLOSED:
                return Receipt("failed", f"SES takes no mail of ours at the moment: {code}")
            raise
        return Receipt("delivered", f"Taken by SES as {answer['MessageId']}")


def build_content(envelope: Envelope) -> EmailContentTypeDef:
    """Return subject, text and HTML; what comes from outside is escaped and has no line of the head's."""
    notification = envelope.notification
    subject = " ".join(notification.subject.split())[:LONGEST_SUBJECT]
    origin = f"Workspace {notification.workspace_id}, event {notification.event}, at {notification.created_at:%Y-%m-%d %H:%M} UTC"
    text = f"{notification.body}\n\n{origin}\n"
    html = f"<p>{escape(notification.body)}</p>\n<p><small>{escape(origin)}</small></p>\n"
    return {
        "Simple": {
            "Subject": {"Data": subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": text, "Charset": "UTF-8"}, "Html": {"Data": html, "Charset": "UTF-8"}},
            "Headers": [{"Name": f"x-presage-{IDEMPOTENCY_HEADER}", "Value": notification.notification_id}],
        }
    }
