"""Notifications by mail: plain text, and the same as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from presage.adapters.ses.sender import MailClosedError, MailRefusedError, SesSender, build_simple
from presage.notifications.model import Envelope, Receipt
from presage.notifications.signing import IDEMPOTENCY_HEADER

if TYPE_CHECKING:
    from types_boto3_sesv2.type_defs import EmailContentTypeDef


class SesMailChannel:
    """`Channel` to mailboxes. SES keeps no idempotency key: a mail of an attempt that was lost may come twice."""

    def __init__(self, sender: SesSender) -> None:
        self._sender = sender

    def send(self, envelope: Envelope) -> Receipt:
        """Hand one mail to SES and return whether it took it; whether it arrives is told by its bounce."""
        try:
            message_id = self._sender.send(envelope.recipient, build_content(envelope), action=f"send the mail of {envelope.delivery_id}")
        except MailRefusedError as error:
            return Receipt("refused", f"SES refused it: {error}")
        except MailClosedError as error:
            return Receipt("failed", f"SES takes no mail of ours at the moment: {error}")
        return Receipt("delivered", f"Taken by SES as {message_id}")


def build_content(envelope: Envelope) -> EmailContentTypeDef:
    """Return subject, text and HTML; what comes from outside is escaped and has no line of the head's."""
    notification = envelope.notification
    origin = f"Workspace {notification.workspace_id}, event {notification.event}, at {notification.created_at:%Y-%m-%d %H:%M} UTC"
    text = f"{notification.body}\n\n{origin}\n"
    html = f"<p>{escape(notification.body)}</p>\n<p><small>{escape(origin)}</small></p>\n"
    headers = {f"x-presage-{IDEMPOTENCY_HEADER}": notification.notification_id}
    return build_simple(notification.subject, text=text, html=html, headers=headers)
