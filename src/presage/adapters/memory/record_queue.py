"""A queue of record batches in memory."""

from __future__ import annotations

from presage.errors import UnavailableError
from presage.features.messages import BatchMessage, decode_batch
from presage.features.records import RecordBatch


class MemoryRecordQueue:
    """`RecordQueue` on a list of messages. Set `available` to False to make it refuse."""

    def __init__(self) -> None:
        """Start empty and available."""
        self.messages: list[str] = []
        self.available = True

    @property
    def batches(self) -> list[RecordBatch]:
        """What was published, as a consumer would read it."""
        return [decode_batch(message) for message in self.messages]

    def publish_batch(self, message: BatchMessage) -> None:
        """Keep the message, or raise `UnavailableError`."""
        if not self.available:
            raise UnavailableError("the queue does not answer")
        self.messages.append(message.body.decode())


class MemoryRecordMessages:
    """`RecordMessages` for messages that carry their batch."""

    def read_batch(self, body: str) -> RecordBatch:
        """Return the batch of a message."""
        return decode_batch(body)
