"""How probable a ranker makes each item at each place: of an order, and of what it leaves to chance."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from sys import intern

from presage.predictions.exploration import Exploration


@dataclass(frozen=True, slots=True)
class Chances:
    """Lists of at most `length` of the `ranked` items; with probability `epsilon` the first `pool` of these stand in a random order.

    It is kept for each list that is judged, so it holds nothing that can be computed.
    The marginal probabilities are those of `presage.predictions.exploration`: a propensity and a target are made by the same formula.
    """

    ranked: tuple[str, ...]
    length: int
    epsilon: float = 0.0
    pool: int = 0

    @property
    def places(self) -> int:
        """How many places are filled."""
        return min(self.length, len(self.ranked))

    def compute_probability(self, item: str, place: int) -> float:
        """Return how probable the item is at that place, counted from 0; 0 behind the last one."""
        if place >= self.places:
            return 0.0
        stands_there = self.ranked[place] == item
        if place >= self.pool:
            return float(stands_there)
        by_chance = self.epsilon / self.pool if self.epsilon > 0.0 and item in self.ranked[: self.pool] else 0.0
        return by_chance + (1 - self.epsilon if stands_there else 0.0)

    def find_possible(self) -> list[AbstractSet[str]]:
        """Return, for each place, the items that may stand there."""
        shuffled = frozenset(self.ranked[: self.pool])
        return [shuffled if place < self.pool and self.epsilon > 0.0 else {self.ranked[place]} for place in range(self.places)]

    def covers(self, other: Chances) -> bool:
        """Return whether all that the other policy may show at any place may be shown there by this one."""
        mine, theirs = self.find_possible(), other.find_possible()
        return len(theirs) <= len(mine) and all(their <= my for their, my in zip(theirs, mine, strict=False))


def build_chances(ranked: Sequence[str], *, length: int, exploration: Exploration | None) -> Chances:
    """Return the chances of an order that is explored so, without the items that are never shown."""
    epsilon = exploration.epsilon if exploration is not None else 0.0
    pool = 0
    if exploration is not None:
        pool = len(ranked) if exploration.among is None else min(exploration.among, len(ranked))
    kept = ranked[: max(length, pool if epsilon > 0.0 else 0)]
    return Chances(tuple(intern(item) for item in kept), length, epsilon, pool)
