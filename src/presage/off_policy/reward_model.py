"""What a list can be expected to earn, by item and place: the model of the doubly robust estimator, cross-fitted.

reward(item, place) = rate(item) x examination(place), where an item's rate is its hits over its showings, drawn to the overall rate by
as much as `PRIOR_SHOWINGS` showings, and a place's examination its rate, drawn alike, over the overall one. It knows neither user nor
score; whatever it says, the estimator stays unbiased, and the better it is the narrower the interval. Units are in one of `FOLDS` folds by
their ids' hash, and a unit's rewards are predicted from those of the other folds' units only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from presage.off_policy.chances import Chances

FOLDS = 5
PRIOR_SHOWINGS = 20.0

Showing = tuple[str, int, float]
"""Item, place, reward."""


@dataclass(frozen=True)
class RewardModel:
    """Fitted rates. An item that was never shown has the overall rate."""

    overall: float
    items: dict[str, float]
    examinations: tuple[float, ...]

    def predict(self, item: str, place: int) -> float:
        """Return the reward that the item has at the place, counted from 0."""
        return self.items.get(item, self.overall) * self._examine(place)

    def expect(self, chances: Chances) -> float:
        """Return the mean reward of a list that is drawn by these chances."""
        return sum(self._expect_place(chances, place, self._average(chances)) for place in range(chances.places))

    def _average(self, chances: Chances) -> float:
        """Return the mean rate of the items that chance orders, 0 without any."""
        rates = [self.items.get(item, self.overall) for item in chances.ranked[: chances.pool]] if chances.epsilon > 0.0 else []
        return sum(rates) / len(rates) if rates else 0.0

    def _expect_place(self, chances: Chances, place: int, average: float) -> float:
        by_order = self.predict(chances.ranked[place], place)
        if place >= chances.pool:
            return by_order
        return chances.epsilon * average * self._examine(place) + (1 - chances.epsilon) * by_order

    def _examine(self, place: int) -> float:
        return self.examinations[place] if place < len(self.examinations) else 1.0


def fit_reward_model(showings: Iterable[Showing]) -> RewardModel:
    """Return the model of these showings; without one it expects nothing."""
    shown: Counter[str | int] = Counter()
    hits: Counter[str | int] = Counter()
    for item, place, reward in showings:
        for key in (item, place):
            shown[key] += 1
            hits[key] += int(reward)
    total = sum(count for key, count in shown.items() if isinstance(key, int))
    if not total:
        return RewardModel(0.0, {}, ())
    overall = sum(count for key, count in hits.items() if isinstance(key, int)) / total
    rates = {key: (hits[key] + PRIOR_SHOWINGS * overall) / (count + PRIOR_SHOWINGS) for key, count in shown.items()}
    places = range(1 + max(key for key in shown if isinstance(key, int)))
    examinations = tuple(rates.get(place, overall) / overall if overall else 1.0 for place in places)
    return RewardModel(overall, {key: rate for key, rate in rates.items() if isinstance(key, str)}, examinations)


def choose_fold(unit_id: str) -> int:
    """Return the unit's fold, which hangs on nothing but its id."""
    return int.from_bytes(sha256(unit_id.encode()).digest()[:8], "big") % FOLDS


def cross_fit(units: Sequence[str], showings: Sequence[Sequence[Showing]]) -> list[RewardModel]:
    """Return a model for each fold, fitted to the showings of all other folds' units; `showings` are one sequence a list."""
    folds = [choose_fold(unit) for unit in units]
    return [
        fit_reward_model(showing for own, one in zip(folds, showings, strict=True) if own != fold for showing in one)
        for fold in range(FOLDS)
    ]
