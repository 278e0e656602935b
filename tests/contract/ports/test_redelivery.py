"""Every queue message twice and in random order changes no statistic, on the memory adapter and on Redshift's."""

from random import Random

import pytest

from tests.fixtures.deliveries import LOOKS, VERSIONS, Deliveries, build_memory, draw_messages, repeat, require_same
from tests.fixtures.warehouse import METRICS, START, Place


@pytest.mark.parametrize("seed", [1, 2])
def test_redelivery_in_random_order_changes_no_statistic(place: Place, seed: int) -> None:
    """The same history once and in order on the memory adapter, twice and shuffled on the other.

    Counts on the way, at random looks, are full ones: hours are kept for them and forgotten by what comes after.
    """
    random = Random(seed)
    messages = draw_messages(random, place.experiment, units=40)
    once, again = build_memory(place.experiment), Deliveries(place)
    once.deliver(random, messages)
    again.deliver(random, repeat(random, messages), after=lambda: count_something(random, place))
    expected = once.count_all()
    require_same(again.count_all(), expected)
    assert sum(found.conversions for found in expected) > 50
    again.deliver(random, repeat(random, messages))
    assert place.warehouse.update_units(place.experiment, as_of=START) == 0


def count_something(random: Random, place: Place) -> None:
    as_of = random.choice(LOOKS)
    for metric in random.sample(METRICS, 2):
        place.count(metric, as_of, random.choice(VERSIONS))
    place.total(as_of)
