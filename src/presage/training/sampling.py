"""Which items a ranking is trained and tested on, at each observation: exact, leak-free and the same every time.

Runs inside Spark's workers: standard library only, importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Callable, Dict, FrozenSet, Iterable, Iterator, List, Set, Tuple

POSITIVES_PER_OBSERVATION = 10
"""An observation is trained on at most so many of the items it took, lest one binge outweigh everyone."""

TEST_OBSERVATIONS = 500
"""So many test observations of a ranking are scored over their whole pool; the others stay unused."""

TEST_ENTITY_SHARE = 0.25
TRAIN_TIME_SHARE = 0.7


@dataclass(frozen=True)
class PoolChange:
    """From `at_us` on (microseconds since the epoch) `item` is in the pool, or no longer."""

    at_us: int
    item: str
    enters: bool


@dataclass(frozen=True)
class _Rank:
    """A place among the pool's items; the smallest is the first to be pushed out: rare first, then the greater id."""

    count: int
    item: str

    def __lt__(self, other: _Rank) -> bool:
        return (self.count, other.item) < (other.count, self.item)


def sweep_pool(events: Iterable[Tuple[int, str]], limit: int) -> Iterator[PoolChange]:
    """Yield how the set of the `limit` most frequent items changes, ties by item id, over `events` (at_us, item) sorted by time.

    One pass; memory is the number of distinct items. The set that holds at t follows from all changes with `at_us` <= t.
    """
    counts: Dict[str, int] = {}
    members: Set[str] = set()
    ranks: List[_Rank] = []
    for at_us, item in events:
        counts[item] = counts.get(item, 0) + 1
        if item in members:
            continue
        if len(members) >= limit:
            last = _find_last(ranks, counts)
            if not last < _Rank(counts[item], item):
                continue
            heapq.heappop(ranks)
            members.remove(last.item)
            yield PoolChange(at_us, last.item, enters=False)
        members.add(item)
        heapq.heappush(ranks, _Rank(counts[item], item))
        yield PoolChange(at_us, item, enters=True)


def _find_last(ranks: List[_Rank], counts: Dict[str, int]) -> _Rank:
    """Return the member with the lowest rank, after bringing what the heap says of the rarest up to date."""
    while ranks[0].count != counts[ranks[0].item]:
        heapq.heapreplace(ranks, _Rank(counts[ranks[0].item], ranks[0].item))
    return ranks[0]


def order_by_hash(seed: str) -> Callable[[str], bytes]:
    """Return a sort key that puts items into an order which looks random and depends on `seed` only."""
    start = blake2b(seed.encode() + b"\x00", digest_size=8)

    def key(item: str) -> bytes:
        state = start.copy()
        state.update(item.encode())
        return state.digest()

    return key


def sample_items(pool: Iterable[str], positives: FrozenSet[str], *, negatives_per_positive: int, seed: str) -> List[Tuple[str, int]]:
    """Return (item, label) to train an observation on: some of the positives in the pool, and for each some negatives.

    Both are the first by hash order; negatives are never among `positives`. Empty when no positive is in the pool.
    """
    items = list(pool)
    key = order_by_hash(seed)
    chosen = heapq.nsmallest(POSITIVES_PER_OBSERVATION, (item for item in items if item in positives), key=key)
    wanted = negatives_per_positive * len(chosen)
    negatives = heapq.nsmallest(wanted, (item for item in items if item not in positives), key=key)
    return [(item, 1) for item in chosen] + [(item, 0) for item in negatives]


def label_pool(pool: Iterable[str], positives: FrozenSet[str]) -> List[Tuple[str, int]]:
    """Return (item, label) of the whole pool, to test an observation on; empty when no positive is in the pool."""
    rows = [(item, int(item in positives)) for item in pool]
    return rows if any(label for _, label in rows) else []


def is_test_entity(entity_id: str, share: float = TEST_ENTITY_SHARE) -> bool:
    """Return whether an entity is kept for testing: a fixed share of all entities, by hash."""
    return int(sha256(f"split\x00{entity_id}".encode()).hexdigest()[:8], 16) < share * 2**32


def count_train_times(count: int, share: float = TRAIN_TIME_SHARE) -> int:
    """Return how many of `count` observations, oldest first, lie before the boundary between training and testing; at least one."""
    return max(1, math.ceil(share * count))
