"""What one process knows of the record ids that it accepted lately, so that it can answer `duplicate` at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from presage.features.dataset import Dataset

REMEMBERED = timedelta(minutes=10)
MAX_IDS = 20_000
"""About 3 MB for ids of 32 characters, which a core keeps near. Ten times as many would cost twice the CPU a record, and remember
no longer at 10 records a second."""


KnownIds = tuple[AbstractSet[str], AbstractSet[str]]


class RecentIds:
    """Ids of durable records: of the last 10 to 30 minutes, or the last 10,000 to 20,000 ones if there were more.

    Two generations: the younger one grows, and takes the place of the older when it is full or old enough.
    Another process knows nothing of them; what all know is in the lake (`presage.features.landing`).
    """

    def __init__(self, *, max_ids: int = MAX_IDS, remembered: timedelta = REMEMBERED) -> None:
        """Start with none."""
        self._max_ids = max_ids // 2
        self._remembered = remembered
        self._lock = threading.Lock()
        self._young: dict[str, set[str]] = {}
        self._old: dict[str, set[str]] = {}
        self._young_ids = 0
        self._began: datetime | None = None

    def ids_of(self, dataset: Dataset, *, now: datetime) -> KnownIds:
        """Return the known ids of a dataset's records, in two sets."""
        with self._lock:
            if self._began is None:
                self._began = now
            if self._young_ids >= self._max_ids or now - self._began >= self._remembered:
                self._old = self._young if now - self._began < 2 * self._remembered else {}
                self._young, self._young_ids, self._began = {}, 0, now
            return self._young.get(dataset.dataset_id, frozenset()), self._old.get(dataset.dataset_id, frozenset())

    def remember(self, dataset: Dataset, record_ids: Iterable[str]) -> None:
        """Add ids of records that are durable."""
        with self._lock:
            ids = self._young.setdefault(dataset.dataset_id, set())
            before = len(ids)
            ids.update(record_ids)
            self._young_ids += len(ids) - before
