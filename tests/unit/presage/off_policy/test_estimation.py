"""Logs of users whose clicks are known: the intervals cover what the judged ranker would have earned."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from presage.experiments.model import Metric
from presage.off_policy.chances import Chances, build_chances
from presage.off_policy.estimation import NOTHING, Estimates, estimate
from presage.off_policy.model import Question, Undecided, Value
from presage.off_policy.replay import Replayed
from presage.predictions.exploration import Exploration, explore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ITEMS = ("a", "b", "c", "d", "e")
CLICKS = {"a": 0.05, "b": 0.1, "c": 0.15, "d": 0.25, "e": 0.3}
EXAMINED = (1.0, 0.6, 0.3)
LOGGING = Exploration(0.9)
JUDGED = build_chances(("e", "d", "c", "b", "a"), length=3, exploration=None)
QUESTION = Question(2, Metric("m", "hit", "d", item_column="item"), alpha=0.1)
Log = tuple[list[Replayed], list[tuple[float, ...]]]


def click(fondness: float, item: str, place: int) -> float:
    return fondness * CLICKS[item] * EXAMINED[place]


def draw_log(seed: int, *, units: int = 300, judged: Sequence[Chances] = (JUDGED,)) -> Log:
    """Return lists of units whose fondness is their own (between 0 and 2, 1 on average): a unit's lists hang together.

    How many lists a unit has hangs on its fondness, so that those of fond users are more.
    """
    generator = np.random.default_rng(seed)
    lists, rewards = [], []
    for unit in range(units):
        fondness = 2.0 * generator.random()
        for number in range(1 + int(2 * fondness)):
            draw = explore(LOGGING, ITEMS, length=3, seed=f"{seed}/{unit}/{number}")
            shown = tuple(ITEMS[place] for place in draw.places)
            lists.append(Replayed(f"u{unit}", NOW, shown, draw.propensities, tuple(judged), 1))
            rewards.append(tuple(float(generator.random() < click(fondness, item, place)) for place, item in enumerate(shown)))
    return lists, rewards


def compute_truth(chances: Chances) -> float:
    """Return what a list earns on average over units, whose mean fondness is 1."""
    return sum(chances.compute_probability(item, place) * click(1.0, item, place) for item in ITEMS for place in range(3))


def covers(found: Value | Undecided, truth: float) -> bool:
    assert isinstance(found, Value), found
    assert found.lower < found.value < found.upper
    return found.lower <= truth <= found.upper


def test_intervals_cover_what_the_judged_ranker_earns_about_as_often_as_they_say() -> None:
    """100 seeded logs at 90 %: Monte-Carlo error 3 %. All their propensities are right, and none is found at fault."""
    truth, logged = compute_truth(JUDGED), compute_truth(build_chances(ITEMS, length=3, exploration=LOGGING))
    covered = dict.fromkeys(("ips", "snips", "robust", "logging", "difference"), 0)
    for seed in range(100):
        run = estimate(QUESTION, *draw_log(seed))
        covered["ips"] += covers(run.judged.ips, truth)
        covered["snips"] += covers(run.judged.snips, truth)
        covered["robust"] += covers(run.judged.doubly_robust, truth)
        covered["logging"] += covers(run.logging, logged)
        covered["difference"] += covers(run.difference.difference, truth - logged)
    for name, count in covered.items():
        assert count / 100 == pytest.approx(0.9, abs=0.08), name


def test_what_the_judged_ranker_explores_itself_counts() -> None:
    exploring = build_chances(("e", "d", "c", "b", "a"), length=3, exploration=Exploration(0.5, 4))
    covered = [
        covers(estimate(QUESTION, *draw_log(seed, judged=(exploring,))).judged.doubly_robust, compute_truth(exploring))
        for seed in range(40)
    ]
    assert sum(covered) / 40 == pytest.approx(0.9, abs=0.1)


def test_a_baseline_is_judged_beside_it_on_the_same_lists() -> None:
    baseline = build_chances(("a", "b", "c", "d", "e"), length=3, exploration=None)
    question = replace(QUESTION, baseline_version=1)
    truth = compute_truth(JUDGED) - compute_truth(baseline)
    runs = [estimate(question, *draw_log(seed, judged=(JUDGED, baseline))) for seed in range(40)]
    assert sum(covers(run.difference.difference, truth) for run in runs) / 40 == pytest.approx(0.9, abs=0.1)
    assert {run.difference.to for run in runs} == {"baseline"}
    first = runs[0]
    assert first.baseline is not None
    assert covers(first.baseline.doubly_robust, compute_truth(baseline))
    assert first.baseline.version == 1


def pretend_uniform(one: Replayed) -> Replayed:
    return replace(one, propensities=(0.2,) * 3)


def pretend_without_chance(one: Replayed) -> Replayed:
    return replace(one, propensities=(1.0,) * 3)


@pytest.mark.parametrize("plant", [pretend_uniform, pretend_without_chance])
def test_propensities_of_another_policy_are_found_out(plant: Callable[[Replayed], Replayed]) -> None:
    baseline = build_chances(ITEMS, length=3, exploration=None)
    for seed in range(5):
        lists, rewards = draw_log(seed, judged=(baseline,))
        found = estimate(QUESTION, [plant(one) for one in lists], rewards)
        assert isinstance(found.judged.doubly_robust, Undecided)
        assert "must be 1: the propensities are not those of what was shown" in found.judged.doubly_robust.inconclusive
        assert found.difference.difference == found.judged.doubly_robust


def test_a_judged_ranker_that_is_what_logged_differs_by_nothing() -> None:
    same = build_chances(ITEMS, length=3, exploration=LOGGING)
    found: Estimates = estimate(QUESTION, *draw_log(1, judged=(same,)))
    assert isinstance(found.judged.ips, Value)
    assert isinstance(found.logging, Value)
    assert found.judged.ips.value == pytest.approx(found.logging.value)
    assert covers(found.difference.difference, 0.0)


def test_lists_of_different_lengths_are_judged_together() -> None:
    lists, rewards = draw_log(1)
    short = build_chances(("e", "d"), length=3, exploration=None)
    cut = [replace(one, shown=one.shown[:2], propensities=one.propensities[:2], targets=(short,)) for one in lists[::2]]
    found = estimate(QUESTION, [*lists[1::2], *cut], [*rewards[1::2], *(of[:2] for of in rewards[::2])])
    assert isinstance(found.judged.ips, Value)
    assert found.judged.ips.effective_units <= 300


def test_without_lists_or_with_too_few_nothing_is_said() -> None:
    assert estimate(QUESTION, [], []).judged.ips == NOTHING
    lists, rewards = draw_log(1, units=20)
    found = estimate(QUESTION, lists, rewards)
    assert isinstance(found.judged.ips, Undecided)
    assert "100 are needed" in found.judged.ips.inconclusive
    assert isinstance(found.logging, Undecided)
