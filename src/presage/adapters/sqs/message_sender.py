"""Sends one message at a time to one SQS queue."""

from __future__ import annotations

import msgspec

from presage.adapters.client import translate_errors
from presage.adapters.signed_calls import SignedCalls


class _Request(msgspec.Struct, rename="pascal"):
    queue_url: str
    message_body: str


class SqsMessageSender:
    """Sends to `queue_url`, once: whoever publishes tries again."""

    def __init__(self, queue_url: str, calls: SignedCalls) -> None:
        """Send by `calls`, which several senders may share."""
        self._queue_url = queue_url
        self._calls = calls

    def send(self, body: bytes) -> None:
        """Return once the message, a UTF-8 text, is durable.

        Raises:
            NotFoundError: There is no such queue.
            UnavailableError: SQS did not answer, or did not take it now.
            botocore.exceptions.ClientError: SQS refused it.
        """
        with translate_errors(f"send to {self._queue_url.rpartition('/')[2]}"):
            self._calls.call("SendMessage", msgspec.json.encode(_Request(self._queue_url, body.decode())))
