import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from presage.training.evaluation import ClusterBootstrap, build_auc, build_mean, compute_log_losses, compute_ranking_gains

LABELS_AND_SCORES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(LABELS_AND_SCORES, st.integers(0, 100))
def test_auc_and_log_loss_equal_scikit_learns(rows: list[tuple[int, float]], seed: int) -> None:
    labels, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    weights = np.random.default_rng(seed).integers(1, 4, len(rows)).astype(float)
    assert build_auc(labels, scores)(weights) == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    mean = build_mean(compute_log_losses(labels, scores))(weights)
    assert mean == pytest.approx(log_loss(labels, scores, sample_weight=weights))


@given(st.permutations(range(8)), st.sets(st.integers(0, 7), min_size=1), st.integers(1, 8))
def test_ndcg_equals_scikit_learns_without_ties(order: list[int], relevant: set[int], cutoff: int) -> None:
    labels = np.array([int(index in relevant) for index in range(8)])
    scores = np.array(order, dtype=float)
    ndcg, hit = compute_ranking_gains(labels, scores, [str(index) for index in range(8)], cutoff=cutoff)
    assert ndcg == pytest.approx(ndcg_score([labels], [scores], k=cutoff))
    assert hit == float(any(labels[index] for index in sorted(range(8), key=lambda index: -order[index])[:cutoff]))


def test_ties_are_broken_by_item_id() -> None:
    assert compute_ranking_gains(np.array([1, 0]), np.zeros(2), ["b", "a"], cutoff=1) == (0.0, 0.0)
    assert compute_ranking_gains(np.array([1, 0]), np.zeros(2), ["a", "b"], cutoff=1) == (1.0, 1.0)


def test_an_observation_without_a_relevant_item_has_no_ndcg() -> None:
    with pytest.raises(ValueError, match="no NDCG"):
        compute_ranking_gains(np.array([0, 0]), np.zeros(2), ["a", "b"], cutoff=1)


def test_intervals_of_clustered_rows_are_as_wide_as_those_of_the_clusters() -> None:
    values = np.random.default_rng(3).normal(size=200)
    single = ClusterBootstrap(np.arange(200), seed=1).estimate(build_mean(values))
    tenfold = ClusterBootstrap(np.repeat(np.arange(200), 10), seed=1).estimate(build_mean(np.repeat(values, 10)))
    assert (tenfold.lower, tenfold.upper) == pytest.approx((single.lower, single.upper))
    assert single.upper - single.lower == pytest.approx(2 * 1.96 * values.std() / math.sqrt(200), rel=0.1)


def test_the_gain_is_paired_and_positive_when_the_model_is_better() -> None:
    labels = np.random.default_rng(5).integers(0, 2, 300)
    good, poor = np.where(labels == 1, 0.7, 0.3), np.full(300, 0.5)
    bootstrap = ClusterBootstrap(np.arange(300), seed=1)
    losses = [build_mean(compute_log_losses(labels, answers)) for answers in (good, poor)]
    found = bootstrap.compare(*losses, higher_is_better=False)
    assert found.gain.value == pytest.approx(math.log(0.7 / 0.5))
    assert found.gain.lower == pytest.approx(found.gain.upper)
