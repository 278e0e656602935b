"""Which items a ranking is trained and tested on, at each observation: exact, leak-free and the same every time.

Runs inside Spark's workers: standard library only, importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b, sha256
from itertools import accumulate
from typing import Callable, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Set, Tuple

POSITIVES_PER_OBSERVATION = 10
"""An observation is trained on at most so many of the items it took, lest one binge outweigh everyone."""

TEST_OBSERVATIONS = 500
"""So many test observations of a ranking are scored over their whole pool; the others stay unused."""

TEST_ENTITY_SHARE = 0.25
TRAIN_PARTS, TEST_PARTS = 7, 3
"""The boundary in time aims at so many observations before its gap for so many behind it."""


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


def choose_boundary_day(observed: Mapping[int, int], window_days: int) -> int:
    """Return the last day before testing begins, given how many observations each day since the epoch has.

    Training may use what was observed `window_days` before that day's end, testing what was observed after it; what lies between
    is a gap in which labels would reach over the boundary. Of all days, the one is taken whose smaller side, in parts of
    `TRAIN_PARTS` to `TEST_PARTS`, is greatest (the earliest of equal ones), so that neither a long window nor a few very early
    observations starve a side. 0 without observations.
    """
    days = sorted(observed)
    so_far = list(accumulate((observed[day] for day in days), initial=0))

    def measure_smaller_side(day: int) -> int:
        train = so_far[bisect_right(days, day - window_days)]
        test = so_far[-1] - so_far[bisect_right(days, day)]
        return min(TEST_PARTS * train, TRAIN_PARTS * test)

    turns = sorted({turn for day in days for turn in (day, day + window_days) if turn <= days[-1]})
    return max(turns, key=measure_smaller_side, default=0)
