"""What is computed as messages come in is what a full count gives, whatever their order and however often they come."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.deliveries import LOOKS, build_memory, draw_messages, repeat, require_same
from tests.fixtures.warehouse import build_experiment


@settings(deadline=None, max_examples=8)
@given(random=st.randoms(use_true_random=False), units=st.integers(1, 8))
def test_any_order_and_repetition_gives_the_same_statistics_at_every_step(random: Random, units: int) -> None:
    """Hours are kept for looks at random times on the way, some for later ones than the next, and forgotten by what comes after."""
    experiment = build_experiment()
    messages = draw_messages(random, experiment, units=units)
    once, again = build_memory(experiment), build_memory(experiment)
    once.deliver(random, messages)
    again.deliver(random, repeat(random, messages), after=lambda: again.count_all([random.choice(LOOKS)]))
    require_same(again.count_all(), once.count_all())
