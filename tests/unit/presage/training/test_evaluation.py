import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    ndcg_score,
    roc_auc_score,
    root_mean_squared_error,
)

from presage.training.classification_metrics import build_binary_metrics, build_multiclass_metrics
from presage.training.evaluation import ClusterBootstrap, Floats, Metric, Metrics, Resamples, build_mean
from presage.training.ranking_metrics import RankedLists
from presage.training.regression_metrics import build_regression_metrics

LABELS_AND_SCORES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), min_size=2, max_size=40).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def measure(metrics: Metrics, weights: Floats) -> dict[str, float]:
    resamples = Resamples(weights[np.newaxis], np.arange(len(weights)))
    return {name: float(metric.statistic(resamples)[0]) for name, metric in metrics.items()}


def draw_weights(count: int, seed: int) -> Floats:
    weights: Floats = np.random.default_rng(seed).integers(1, 5, count).astype(float)
    return weights


@given(LABELS_AND_SCORES, st.integers(0, 100))
def test_metrics_of_two_classes_equal_scikit_learns(rows: list[tuple[int, float]], seed: int) -> None:
    labels, scores = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    weights = np.random.default_rng(seed).integers(1, 4, len(rows)).astype(float)
    found = measure(build_binary_metrics(labels, scores), weights)
    expected = {
        "log_loss": log_loss(labels, scores, sample_weight=weights),
        "auc": roc_auc_score(labels, scores, sample_weight=weights),
        "average_precision": average_precision_score(labels, scores, sample_weight=weights),
        "brier_score": brier_score_loss(labels, scores, sample_weight=weights),
        "accuracy": accuracy_score(labels, scores > 0.5, sample_weight=weights),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@given(st.integers(0, 1000), st.integers(3, 5))
def test_metrics_of_many_classes_equal_scikit_learns(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 40)])
    probabilities = random.dirichlet(np.ones(classes), len(labels))
    weights = draw_weights(len(labels), seed)
    found = measure(build_multiclass_metrics(labels, probabilities), weights)
    aucs = [roc_auc_score(labels == place, probabilities[:, place], sample_weight=weights) for place in range(classes)]
    expected = {
        "log_loss": log_loss(labels, probabilities, sample_weight=weights),
        "macro_auc": np.mean(aucs),
        "brier_score": brier_score_loss(labels, probabilities, sample_weight=weights, scale_by_half=False),
        "accuracy": accuracy_score(labels, probabilities.argmax(axis=1), sample_weight=weights),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@given(st.integers(0, 1000))
def test_errors_of_values_equal_scikit_learns(seed: int) -> None:
    labels, values = np.random.default_rng(seed).normal(size=(2, 30))
    weights = draw_weights(30, seed)
    found = measure(build_regression_metrics(labels, values), weights)
    assert found == pytest.approx(
        {
            "rmse": root_mean_squared_error(labels, values, sample_weight=weights),
            "mae": mean_absolute_error(labels, values, sample_weight=weights),
        }
    )


def test_the_calibration_error_is_what_is_said_less_what_happens() -> None:
    labels = np.array([1, 1, 0, 0, 1, 0, 0, 0])
    probabilities = np.array([0.95, 0.91, 0.95, 0.91, 0.2, 0.25, 0.2, 1.0])
    apart = [0.95 + 0.91 + 0.95 + 0.91 + 1.0 - 2, 0.2 + 0.25 + 0.2 - 1]
    found = measure(build_binary_metrics(labels, probabilities), np.ones(8))["calibration_error"]
    assert found == pytest.approx(sum(map(abs, apart)) / 8)


@given(st.permutations(range(8)), st.sets(st.integers(0, 7), min_size=1), st.integers(1, 8))
def test_rankings_are_measured_as_defined(order: list[int], relevant: set[int], cutoff: int) -> None:
    labels = np.array([int(index in relevant) for index in range(8)])
    scores = np.array(order, dtype=float)
    other = np.array([1, 0, 0])  # a list before it, lest places count through
    lists = RankedLists(np.concatenate([other, labels]), np.repeat([4, 9], [3, 8]), [str(index) for index in [*range(3), *range(8)]])
    found = {name: values[1] for name, values in lists.measure(np.concatenate([[3.0, 2.0, 1.0], scores]), cutoff=cutoff).items()}
    shown = [labels[index] for index in sorted(range(8), key=lambda index: -order[index])[:cutoff]]
    precisions = [sum(shown[: place + 1]) / (place + 1) * hit for place, hit in enumerate(shown)]
    assert found == pytest.approx(
        {
            "ndcg": ndcg_score([labels], [scores], k=cutoff),
            "map": sum(precisions) / min(len(relevant), cutoff),
            "recall": sum(shown) / len(relevant),
            "hit": float(any(shown)),
        }
    )


@given(st.permutations(range(9)), st.sets(st.integers(0, 8), min_size=1))
def test_average_precision_of_a_whole_list_equals_scikit_learns(order: list[int], relevant: set[int]) -> None:
    labels = np.array([int(index in relevant) for index in range(9)])
    scores = np.array(order, dtype=float)
    lists = RankedLists(labels, np.zeros(9, dtype=np.int64), [str(index) for index in range(9)])
    assert lists.measure(scores, cutoff=9)["map"][0] == pytest.approx(average_precision_score(labels, scores))


def test_ties_are_broken_by_item_id() -> None:
    for items, hit in ((["b", "a"], 0.0), (["a", "b"], 1.0)):
        lists = RankedLists(np.array([1, 0]), np.zeros(2, dtype=np.int64), items)
        assert lists.measure(np.zeros(2), cutoff=1)["ndcg"][0] == hit


def test_an_observation_without_a_relevant_item_has_no_ndcg() -> None:
    with pytest.raises(ValueError, match="no NDCG"):
        RankedLists(np.array([0, 0, 1]), np.array([0, 0, 1]), ["a", "b", "a"])


def test_intervals_of_clustered_rows_are_as_wide_as_those_of_the_clusters() -> None:
    values = np.random.default_rng(3).normal(size=200)
    single = ClusterBootstrap(np.arange(200), seed=1).estimate(build_mean(values))
    tenfold = ClusterBootstrap(np.repeat(np.arange(200), 10), seed=1).estimate(build_mean(np.repeat(values, 10)))
    assert (tenfold.lower, tenfold.upper) == pytest.approx((single.lower, single.upper))
    assert single.upper - single.lower == pytest.approx(2 * 1.96 * values.std() / math.sqrt(200), rel=0.1)


def test_every_resample_of_many_rows_is_measured_once_and_in_order() -> None:
    labels = np.random.default_rng(5).integers(0, 2, 7_000)
    scores = np.clip(labels * 0.2 + np.random.default_rng(6).normal(0.4, 0.2, 7_000), 0, 1)
    drawn = np.random.default_rng(7).multinomial(70, np.full(70, 1 / 70), size=500).astype(float)
    resamples = Resamples(drawn, np.repeat(np.arange(70), 100))
    assert len(list(resamples.iterate(np.arange(7_000)))) > 1
    found = build_binary_metrics(labels, scores)["auc"].statistic(resamples)
    expected = [roc_auc_score(labels, scores, sample_weight=np.repeat(drawn[place], 100)) for place in (0, 285, 286, 499)]
    assert found[[0, 285, 286, 499]] == pytest.approx(expected)


def test_the_gain_is_paired_and_positive_when_the_model_is_better() -> None:
    labels = np.random.default_rng(5).integers(0, 2, 300)
    good, poor = np.where(labels == 1, 0.7, 0.3), np.full(300, 0.5)
    bootstrap = ClusterBootstrap(np.arange(300), seed=1)
    found = bootstrap.compare(*[build_binary_metrics(labels, answers)["log_loss"] for answers in (good, poor)])
    assert found.gain.value == pytest.approx(math.log(0.7 / 0.5))
    assert found.gain.lower == pytest.approx(found.gain.upper)


def test_resamples_without_both_classes_are_left_out_and_none_that_has_is_nan() -> None:
    labels = np.array([1, 0, 0, 0, 0])
    bootstrap = ClusterBootstrap(np.arange(5), seed=1)
    found = bootstrap.estimate(build_binary_metrics(labels, np.linspace(1, 0, 5))["auc"].statistic)
    assert (found.value, found.lower, found.upper) == (1.0, 1.0, 1.0)
    only = bootstrap.compare(
        *[Metric(build_binary_metrics(np.zeros(5, dtype=np.int64), np.ones(5))["auc"].statistic, higher_is_better=True)] * 2
    )
    assert math.isnan(only.gain.lower)
