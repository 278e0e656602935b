"""A queue of logged predictions in memory."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import InvalidInputError, UnavailableError
from presage.predictions.messages import decode_message, decode_staged, encode_pointer, pack_calls, stage_call
from presage.predictions.ports import LoggedCall, PredictionLogEntry


class MemoryPredictionQueue:
    """`PredictionQueue` on a list of messages, with `staged` objects.

    Set `available` to False to make it refuse, `refused` to a text to make it refuse for good what holds that.
    """

    def __init__(self) -> None:
        """Start empty and available."""
        self.messages: list[str] = []
        self.staged: dict[str, bytes] = {}
        self.available = True
        self.refused: str | None = None

    def publish_calls(self, calls: Sequence[LoggedCall]) -> None:
        """Keep their messages, or raise `UnavailableError`, or `InvalidInputError` at one that is refused for good."""
        if not self.available:
            raise UnavailableError("the queue does not answer")
        for message in pack_calls(calls):
            if self.refused is not None and self.refused in message.body.decode():
                raise InvalidInputError("the queue does not take what the message holds")
            if message.staging_key is None:
                self.messages.append(message.body.decode())
            else:
                self.staged[message.staging_key] = message.body
                self.messages.append(encode_pointer(message.staging_key).decode())

    def set_aside(self, call: LoggedCall) -> str:
        """Keep the call among what is staged and return its key."""
        message = stage_call(call)
        self.staged[message.staging_key] = message.body
        return message.staging_key

    def read_entries(self, body: str) -> Sequence[PredictionLogEntry]:
        """Return the entries of a message, as its consumer reads them."""
        found = decode_message(body)
        return decode_staged(self.staged[found], key=found) if isinstance(found, str) else found
