"""Ids that an import has met, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from presage.features.sources.ports import IdAndKnown


class MemorySeenIds:
    """`SeenIds` on a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        self._known: dict[str, int] = {}

    def admit(self, ids: Sequence[IdAndKnown]) -> list[bool]:
        """Note the ids, in order, and return which are new: of an id that was noted, only one that was known earlier is."""
        return [self._admit(name, known) for name, known in ids]

    def _admit(self, name: str, known: int) -> bool:
        is_new = name not in self._known or known < self._known[name]
        if is_new:
            self._known[name] = known
        return is_new


@contextmanager
def open_seen_ids() -> Iterator[MemorySeenIds]:
    """Yield an empty set."""
    yield MemorySeenIds()
