"""Sends one message at a time to one SQS queue."""

from __future__ import annotations

import msgspec
from botocore.exceptions import ClientError

from presage.adapters.client import translate_errors
from presage.adapters.signed_calls import SignedCalls
from presage.errors import InvalidInputError

_OF_THE_MESSAGE = frozenset({"InvalidMessageContents", "InvalidParameterValue"})
"""Characters that SQS does not take, and a length. Rights, keys and queues that are not there can be mended, and are none of these."""


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
            InvalidInputError: SQS does not take the message for what it holds: trying again cannot succeed.
            botocore.exceptions.ClientError: SQS refused it for another reason.
        """
        action = f"send to {self._queue_url.rpartition('/')[2]}"
        try:
            with translate_errors(action):
                self._calls.call("SendMessage", msgspec.json.encode(_Request(self._queue_url, body.decode())))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _OF_THE_MESSAGE:
                raise InvalidInputError(f"{action}: {error}") from error
            raise
