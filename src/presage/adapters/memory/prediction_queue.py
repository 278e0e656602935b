"""A queue of logged predictions in memory."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import UnavailableError
from presage.predictions.messages import decode_message, decode_staged, encode_pointer, pack_calls
from presage.predictions.ports import LoggedCall, PredictionLogEntry


class MemoryPredictionQueue:
    """`PredictionQueue` on a list of messages, with `staged` objects. Set `available` to False to make it refuse."""

    def __init__(self) -> None:
        """Start empty and available."""
        self.messages: list[str] = []
        self.staged: dict[str, bytes] = {}
        self.available = True

    def publish_calls(self, calls: Sequence[LoggedCall]) -> None:
        """Keep their messages, or raise `UnavailableError`."""
        if not self.available:
            raise UnavailableError("the queue does not answer")
        for message in pack_calls(calls):
            if message.staging_key is None:
                self.messages.append(message.body.decode())
            else:
                self.staged[message.staging_key] = message.body
                self.messages.append(encode_pointer(message.staging_key).decode())

    def read_entries(self, body: str) -> Sequence[PredictionLogEntry]:
        """Return the entries of a message, as its consumer reads them."""
        found = decode_message(body)
        return decode_staged(self.staged[found], key=found) if isinstance(found, str) else found
