"""Exploration of rankings: lists that chance may order, with the propensity of each shown item at its place.

With probability `epsilon` the best `among` candidates are put in a random order, all orders being equally likely; otherwise, and below
them always, the model's order stands. So an item's probability at a place is known exactly whatever stands elsewhere, which off-policy
estimates by item and place need. Both draws are SHA-256 of the prediction's id, so that anybody can make them again.

References:
    Sutton, Barto: Reinforcement Learning, 2nd edition, 2018 (section 2.2, epsilon-greedy).
    Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen: Offline Evaluation of Ranking Policies with Click Models, 2018 (section 5,
    the item-position estimator, for which marginal propensities suffice).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated

import msgspec

from presage.predictions.entry_values import parse_part

MAX_AMONG = 1_000


class Exploration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is left to chance: how often, and among how many of the best candidates (all of them by default)."""

    epsilon: Annotated[float, msgspec.Meta(ge=0, le=1)]
    among: Annotated[int, msgspec.Meta(ge=2, le=MAX_AMONG)] | None = None


class Draw(msgspec.Struct, frozen=True):
    """A list that was drawn: the places of its items in the model's order, and the propensity of each where it is shown."""

    places: list[int]
    propensities: tuple[float, ...]


def parse_exploration(value: object, path: str) -> Exploration:
    """Return the exploration that an entry asks for, or raise `EntryError`."""
    exploration: Exploration = parse_part(value, Exploration, path=path, code="malformed_exploration")
    return exploration


def explore(exploration: Exploration, ranked: Sequence[str], *, length: int, seed: str) -> Draw:
    """Return a list of at most `length` of the `ranked` items (best first); `seed` determines it.

    With m = min(among, items), the propensity of the item shown at a place k is epsilon / m, and 1 - epsilon more if the model's order
    has it there; 1 behind the m-th place. Whether chance ordered this list does not matter to it.
    """
    pool = len(ranked) if exploration.among is None else min(exploration.among, len(ranked))
    places = list(range(len(ranked)))
    if draw_fraction(seed) < exploration.epsilon:
        places[:pool] = shuffle(ranked[:pool], seed=seed)
    by_chance = exploration.epsilon / pool if pool else 0.0
    propensities = (
        by_chance + (1 - exploration.epsilon if place == k else 0.0) if k < pool else 1.0 for k, place in enumerate(places[:length])
    )
    return Draw(places[:length], tuple(propensities))


def draw_fraction(seed: str) -> float:
    """Return a number drawn uniformly from [0, 1): the first 53 bits of the seed's SHA-256."""
    return (int.from_bytes(sha256(seed.encode()).digest()[:8], "big") >> 11) * 2.0**-53


def shuffle(items: Sequence[str], *, seed: str) -> list[int]:
    """Return the positions of different items in an order drawn uniformly: by the SHA-256 of seed, zero byte and item."""
    return sorted(range(len(items)), key=lambda position: sha256(f"{seed}\x00{items[position]}".encode()).digest())
