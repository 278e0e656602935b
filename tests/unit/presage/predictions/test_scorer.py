"""What made a score, by feature, and how much memory a version takes."""

import math
from pathlib import Path

import pytest

from presage.predictions.loading import ScorerCache
from presage.predictions.request import Query
from presage.predictions.response import ItemsExplanation, RowExplanation
from tests.fixtures.serving import CLASSIFICATION, NOW, RANKING, World, build_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


def test_a_score_is_explained_by_feature(world: World) -> None:
    version = world.add_version(world.add_model("m", CLASSIFICATION, "0"), 1, weights=(0.5, 0.01, -0.1))
    scorer = ScorerCache(world.files).get_scorer(version)
    (scored,) = scorer.score([Query("c1", NOW)])
    explained = scorer.explain(scored)
    assert isinstance(explained, RowExplanation)
    assert (explained.margin.scale, explained.base) == ("log_odds", 0.5)
    assert explained.margin.contributions["orders__n"] == pytest.approx(1.5)
    margin = explained.margin.base + sum(explained.margin.contributions.values())
    assert scored.probabilities[0, 1] == pytest.approx(1 / (1 + math.exp(-margin)), abs=1e-12)
    assert scored.probabilities[0, 1] == pytest.approx(explained.base + sum(explained.contributions.values()), abs=1e-12)
    assert explained.contributions["orders__n"] / explained.contributions["orders__spent"] == pytest.approx(1.5 / 0.3)


def test_a_ranking_is_explained_by_shown_item(world: World) -> None:
    version = world.add_version(world.add_model("m", RANKING, ()), 1, weights=(0.0, 0.0, 0.0, 0.1, 0.0))
    scorer = ScorerCache(world.files).get_scorer(version)
    (scored,) = scorer.score([Query("c1", NOW)])
    explained = scorer.explain(scored)
    assert isinstance(explained, ItemsExplanation)
    assert list(explained.items) == list(scored.items) == ["f2", "f3", "f1"]
    assert explained.items["f1"].margin.contributions["films__taken"] == pytest.approx(1.0)
    assert explained.items["f1"].margin.base == 0.0


def test_a_versions_memory_grows_with_its_candidates(world: World) -> None:
    ranking, plain = world.add_model("r", RANKING, ()), world.add_model("m", CLASSIFICATION, "0")
    cache = ScorerCache(world.files)
    with_items = cache.get_scorer(world.add_version(ranking, 1, weights=(0, 0, 0, 1, 0)))
    without = cache.get_scorer(world.add_version(plain, 1, weights=(0, 0, 0)))
    assert with_items.nbytes > without.nbytes > 30_000
