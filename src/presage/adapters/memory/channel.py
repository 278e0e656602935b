"""A channel that keeps what it is given."""

from __future__ import annotations

from collections.abc import Sequence

from presage.notifications.model import Envelope, Receipt

DELIVERED = Receipt("delivered", "taken", 200)


class MemoryChannel:
    """`Channel` for tests: `receipts` are what comes of the next attempts, and then all are delivered."""

    def __init__(self, receipts: Sequence[Receipt | Exception] = ()) -> None:
        self.sent: list[Envelope] = []
        self._receipts = list(receipts)

    def send(self, envelope: Envelope) -> Receipt:
        """Keep the envelope, and return or raise what is next."""
        self.sent.append(envelope)
        outcome = self._receipts.pop(0) if self._receipts else DELIVERED
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
