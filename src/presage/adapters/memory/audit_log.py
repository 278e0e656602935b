"""The audit log in lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from threading import Lock

from presage.errors import UnavailableError
from presage.tenancy.audit import AuditEntry, AuditSearch, Head


class MemoryAuditLog:
    """`AuditLog` for tests; while `is_down` is true nothing can be added."""

    def __init__(self) -> None:
        self.is_down = False
        self._entries: dict[str, list[AuditEntry]] = defaultdict(list)
        self._lock = Lock()

    def append(self, workspace_id: str, build: Callable[[Head], AuditEntry]) -> AuditEntry:
        """Add what `build` makes of the workspace's last entry, or raise `UnavailableError` while the log is down."""
        if self.is_down:
            raise UnavailableError("The audit log is down")
        with self._lock:
            chain = self._entries[workspace_id]
            entry = build(Head(chain[-1].sequence, chain[-1].sha256) if chain else Head())
            chain.append(entry)
        return entry

    def list_entries(self, workspace_id: str, search: AuditSearch, *, before: int | None = None, limit: int = 50) -> Sequence[AuditEntry]:
        """Return a page of those wanted, newest first, of sequences below `before`."""
        chain = self._entries[workspace_id][: None if before is None else max(before - 1, 0)]
        return list(islice((entry for entry in reversed(chain) if _is_wanted(entry, search)), limit))

    def iterate(self, workspace_id: str) -> Iterator[AuditEntry]:
        """Yield all entries, oldest first."""
        yield from tuple(self._entries[workspace_id])


def _is_wanted(entry: AuditEntry, search: AuditSearch) -> bool:
    if search.user_id not in {None, entry.user_id} or search.action not in {None, entry.action}:
        return False
    return (search.since is None or search.since <= entry.at) and (search.until is None or entry.at < search.until)
