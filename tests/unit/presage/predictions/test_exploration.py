"""Chance in rankings: what is logged as its propensity is what really happens, and serves to judge another ranker."""

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from presage.predictions.exploration import Exploration, draw_fraction, explore, shuffle
from presage.predictions.request import PredictRequest
from presage.predictions.use_cases import predict
from tests.fixtures.serving import CLASSIFICATION, FILMS, NOW, RANKING, WORKSPACE, World, build_world

RANKED = ("a", "b", "c", "d", "e")
RUNS = 20_000
ITEM_WEIGHTS = (0.0, 0.0, 0.0, 0.1, 0.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = build_world(tmp_path)
    model = world.add_model("m", RANKING, ("f9", "f1"))
    world.deploy(model, world.add_version(model, 1, weights=ITEM_WEIGHTS))
    return world


def ask(world: World, *entries: Any, model: str = "m") -> list[Any]:  # noqa: ANN401 - the wire's own
    answer = predict(PredictRequest(model, list(entries)), workspace_id=WORKSPACE, ports=world.ports, now=NOW)
    world.ship()
    return answer.results


def run(exploration: Exploration, *, length: int) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    drawn = (explore(exploration, RANKED, length=length, seed=f"{exploration} {number}") for number in range(RUNS))
    return [(tuple(RANKED[place] for place in draw.places), draw.propensities) for draw in drawn]


def require_fair(counted: dict[Any, int], expected: dict[Any, float]) -> None:
    """Fail if fewer than one in a million fair draws are as far off, by Pearson's statistic."""
    assert set(counted) <= {key for key, share in expected.items() if share > 0}
    assert sum(expected.values()) == pytest.approx(1)
    likely = {key: share * RUNS for key, share in expected.items() if share > 0}
    statistic = sum((counted.get(key, 0) - share) ** 2 / share for key, share in likely.items())
    assert statistic <= (chi2.isf(1e-6, len(likely) - 1) if len(likely) > 1 else 0)


@pytest.mark.parametrize(
    ("exploration", "length"),
    [(Exploration(0.3), 5), (Exploration(0.3), 2), (Exploration(1.0), 3), (Exploration(0.5, 3), 5), (Exploration(0.05, 2), 4)],
)
def test_items_are_shown_as_often_as_their_propensities_say(exploration: Exploration, length: int) -> None:
    runs = run(exploration, length=length)
    told: dict[tuple[str, int], set[float]] = {}
    for shown, propensities in runs:
        for place, (item, propensity) in enumerate(zip(shown, propensities, strict=True)):
            told.setdefault((item, place), set()).add(propensity)
    assert {len(found) for found in told.values()} == {1}, "an item's propensity at a place hangs on nothing else"
    for place in range(length):
        expected = {item: next(iter(told.get((item, place), {0.0}))) for item in RANKED}
        require_fair(Counter(shown[place] for shown, _ in runs), expected)


def test_all_orders_are_equally_likely() -> None:
    items = ("a", "b", "c", "d")
    orders = dict.fromkeys(itertools.permutations(range(4)), 1 / 24)
    require_fair(Counter(tuple(shuffle(items, seed=str(number))) for number in range(RUNS)), orders)
    assert np.mean([draw_fraction(str(number)) for number in range(RUNS)]) == pytest.approx(0.5, abs=6 / math.sqrt(12 * RUNS))


@pytest.mark.parametrize("target", [("e", "d", "c"), ("a", "b", "c"), ("b", "a", "e")])
def test_the_value_of_another_ranker_is_estimated_without_bias_from_the_log(target: tuple[str, ...]) -> None:
    chance = np.random.default_rng(11)
    appeal = dict(zip(RANKED, (0.1, 0.3, 0.05, 0.4, 0.2), strict=True))
    seen = (1.0, 0.6, 0.3)
    estimates = []
    for shown, propensities in run(Exploration(0.4), length=3):
        clicks = chance.random(3) < [appeal[item] * seen[place] for place, item in enumerate(shown)]
        weights = [(item == wanted) / propensity for item, wanted, propensity in zip(shown, target, propensities, strict=True)]
        estimates.append(float(np.dot(weights, clicks)))
    truth = sum(appeal[item] * seen[place] for place, item in enumerate(target))
    error = float(np.std(estimates, ddof=1)) / math.sqrt(RUNS)
    assert np.mean(estimates) == pytest.approx(truth, abs=4 * error)
    assert error < truth / 10


def test_without_chance_the_models_order_stands_with_certainty() -> None:
    draw = explore(Exploration(0.0), RANKED, length=3, seed="x")
    assert (draw.places, draw.propensities) == ([0, 1, 2], (1.0, 1.0, 1.0))
    assert explore(Exploration(0.7), (), length=3, seed="x").places == []
    assert explore(Exploration(0.7, 2), ("a",), length=3, seed="x").propensities == pytest.approx((1.0,))


class TestServed:
    def test_the_list_is_made_again_from_the_predictions_id(self, world: World) -> None:
        results = ask(world, *[{"id": "c1", "exploration": {"epsilon": 0.5}}] * 100)
        greedy = ask(world, {"id": "c1", "candidates": list(FILMS)})[0]
        best = ("f2", "f3", "f1", "f4")
        assert greedy.prediction == best[:3]
        for result in results:
            draw = explore(Exploration(0.5), best, length=3, seed=result.prediction_id)
            assert result.prediction == tuple(best[place] for place in draw.places)
            assert result.propensity == draw.propensities
        assert 20 < sum(result.prediction != best[:3] for result in results) < 80

    def test_scores_and_features_follow_the_shown_order(self, world: World) -> None:
        scores = {"f1": 1 / (1 + math.exp(-1)), "f2": 1 / (1 + math.exp(-2)), "f3": 1 / (1 + math.exp(-2)), "f4": 1 / (1 + math.exp(-0.5))}
        for result in ask(world, *[{"id": "c1", "exploration": {"epsilon": 1}}] * 20):
            assert result.score == pytest.approx([scores[item] for item in result.prediction])
            logged = world.log.entries[result.prediction_id]
            assert tuple(logged.features["items"]) == result.prediction  # type: ignore[arg-type]

    def test_propensities_are_logged_with_what_was_asked(self, world: World) -> None:
        asked = {"id": "c1", "exploration": {"epsilon": 0.2, "among": 2}}
        (result,) = ask(world, asked)
        logged = world.log.entries[result.prediction_id]
        assert logged.request["features"] == [asked]
        assert tuple(logged.result["propensity"]) == result.propensity  # type: ignore[arg-type]
        assert result.propensity[2] == 1.0

    def test_only_what_may_be_shown_is_drawn_from(self, world: World) -> None:
        asked = {"id": "c1", "exploration": {"epsilon": 1}, "exclude": ["f2"], "filters": {"films__taken": {"min": 10}}}
        results = ask(world, *[asked] * 30)
        assert {result.prediction for result in results} == {("f3", "f1"), ("f1", "f3")}
        assert {result.propensity for result in results} == {(0.5, 0.5)}

    def test_without_exploration_nothing_is_said_of_chance(self, world: World) -> None:
        (result,) = ask(world, {"id": "c1"})
        assert not result.propensity
        assert "propensity" not in world.log.entries[result.prediction_id].result

    def test_what_no_model_ordered_is_certain(self, world: World) -> None:
        world.add_model("bare", RANKING, ("f9", "f1"))
        (bare,) = ask(world, {"id": "c1", "exploration": {"epsilon": 1}}, model="bare")
        assert (bare.answered_by, bare.prediction, bare.propensity) == ("default", ("f9", "f1"), (1.0, 1.0))
        world.files.lake.clear()
        (baseline,) = ask(world, {"id": "c1", "exploration": {"epsilon": 1}})
        assert (baseline.answered_by, baseline.propensity) == ("baseline", (1.0, 1.0, 1.0))

    def test_a_random_control_has_propensities_unasked(self, world: World) -> None:
        deployment = world.catalog.catalogs[WORKSPACE].deployments["m"]
        world.experiment(deployment.model, policy="random", treatment_share=0.0)
        (items,) = ask(world, {"id": "c1"})
        assert (items.answered_by, items.propensity) == ("random", (0.25,) * 3)
        classes = world.add_model("c", CLASSIFICATION, "0")
        world.experiment(classes, policy="random", treatment_share=0.0)
        assert ask(world, {"id": "c1"}, model="c")[0].propensity == 0.5
