from collections import Counter

import pytest

from presage.off_policy.chances import build_chances
from presage.predictions.exploration import Exploration, explore

RANKED = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    "exploration", [None, Exploration(0.0), Exploration(0.3), Exploration(0.3, 3), Exploration(1.0, 2), Exploration(1.0)]
)
def test_the_items_chances_at_a_place_add_up_to_one(exploration: Exploration | None) -> None:
    chances = build_chances(RANKED, length=4, exploration=exploration)
    for place in range(4):
        assert sum(chances.compute_probability(item, place) for item in RANKED) == pytest.approx(1.0)
        possible = {item for item in RANKED if chances.compute_probability(item, place) > 0.0}
        assert possible == set(chances.find_possible()[place])
    assert (chances.places, chances.compute_probability("a", 4)) == (4, 0.0)


@pytest.mark.parametrize("exploration", [Exploration(0.3), Exploration(0.3, 3), Exploration(1.0, 2)])
def test_chances_are_the_propensities_of_what_is_drawn(exploration: Exploration) -> None:
    """To the bit, and the draws keep to them: 4,000 draws, 5 standard errors."""
    chances = build_chances(RANKED, length=4, exploration=exploration)
    first: Counter[str] = Counter()
    for number in range(4_000):
        draw = explore(exploration, RANKED, length=4, seed=str(number))
        shown = [RANKED[place] for place in draw.places]
        assert tuple(chances.compute_probability(item, place) for place, item in enumerate(shown)) == draw.propensities
        first[shown[0]] += 1
    for item in RANKED:
        assert first[item] / 4_000 == pytest.approx(chances.compute_probability(item, 0), abs=0.04)


def test_what_may_be_shown_has_to_be_within_what_might_have_been() -> None:
    everything = build_chances(RANKED, length=3, exploration=Exploration(1.0))
    best_three = build_chances(RANKED, length=3, exploration=Exploration(0.1, 3))
    reversed_order = build_chances(RANKED[::-1], length=3, exploration=None)
    assert everything.covers(reversed_order)
    assert everything.covers(best_three)
    assert not best_three.covers(everything)
    assert not best_three.covers(reversed_order)
    assert best_three.covers(build_chances(("c", "a", "b"), length=3, exploration=None))
    assert not everything.covers(build_chances(RANKED, length=4, exploration=None))
    assert everything.covers(build_chances(RANKED, length=2, exploration=None))
    assert not build_chances(RANKED, length=3, exploration=Exploration(0.1, 2)).covers(
        build_chances(("a", "b", "d"), length=3, exploration=None)
    )
