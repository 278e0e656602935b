"""A prediction journal in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from presage.errors import JournalFullError
from presage.predictions.blocks import Block
from presage.predictions.messages import encode_call
from presage.predictions.ports import Backlog, JournalCall, PredictionLogEntry


class MemoryPredictionJournal:
    """`PredictionJournal` and `JournalReader` on a list. Set `room` to False to make it refuse."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Start empty."""
        self.calls: list[JournalCall] = []
        self.room = True
        self.refused = 0
        self._read = 0
        self._clock = clock

    def append(self, entries: Sequence[PredictionLogEntry], blocks: Sequence[Block] = ()) -> None:
        """Keep them, or raise `JournalFullError`."""
        if not self.room:
            self.refused += 1
            raise JournalFullError("no room in the journal")
        self.calls.append(JournalCall(self._clock(), encode_call(entries, blocks)))

    def claim(self) -> bool:
        """Return True: nobody else can read it."""
        return True

    def read(self, *, max_bytes: int) -> Sequence[JournalCall]:
        """Return the first calls, until there are `max_bytes`."""
        size = 0
        self._read = 0
        for call in self.calls:
            if size >= max_bytes:
                break
            size += len(call.payload)
            self._read += 1
        return self.calls[: self._read]

    def confirm(self) -> None:
        """Forget what the last `read` returned."""
        del self.calls[: self._read]
        self._read = 0

    def measure(self) -> Backlog:
        """Return what waits."""
        oldest = self.calls[0].appended_at if self.calls else None
        return Backlog(sum(len(call.payload) for call in self.calls), oldest, 0)
