"""Judges a fitted model beside its baseline on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from presage.training.classification_metrics import build_binary_metrics, build_multiclass_metrics
from presage.training.compiled import FloatArray
from presage.training.evaluation import LEVEL, ClusterBootstrap, Comparison, Integers, Metrics, Resamples
from presage.training.ranking_metrics import RankedLists
from presage.training.regression_metrics import build_regression_metrics
from presage.training.spec import ModelSpec
from services.trainer.training_data import Rows, TrainingData, select_rows

MOST_SEGMENTS = 20
FEWEST_SEGMENT_ROWS = 20
OTHER = "other"


@dataclass(frozen=True)
class Judged:
    """What was found on the test split. `answers` are the model's, `prior` the baseline's, rows as in the split."""

    answers: FloatArray
    prior: FloatArray
    comparisons: Mapping[str, Comparison]

    def describe(self) -> dict[str, Any]:
        """Return the metrics of model and baseline, and whether the model beats it: the primary gain's interval is over 0."""
        primary = next(iter(self.comparisons))
        return describe(self.comparisons) | {
            "verdict": {
                "primary": primary,
                "beats_baseline": self.comparisons[primary].gain.lower > 0,
                "confidence_level": LEVEL,
            }
        }


def judge(data: TrainingData, answers: FloatArray, *, seed: int) -> Judged:
    """Return how the model's answers to the test split compare with the baseline's.

    Classification: the baseline answers the classes' shares of the train split to everybody; regression: its mean; ranking: it ranks
    by how often items had been seen at the observation. Primary are log loss, the root of the mean squared error, and NDCG.
    """
    prior = _answer_prior(data)
    return Judged(answers, prior, compare_answers(data.recipe.spec, data.test, answers, prior, seed=seed))


def judge_segments(data: TrainingData, judged: Judged, *, seed: int) -> dict[str, Any]:
    """Return the metrics by value of the column that the specification names: its most frequent values, then all others together.

    Segments of fewer than `FEWEST_SEGMENT_ROWS` rows have their number of rows only.
    """
    name = data.recipe.spec.segment_by
    if name is None:
        return {}
    values = data.test.features[:, data.columns.index(name)]
    found: dict[str, Any] = {}
    for segment, chosen in _list_segments(values):
        rows = select_rows(data.test, chosen)
        found[segment] = {"rows": len(rows.labels), "entities": len(np.unique(rows.entities))}
        if len(rows.labels) >= FEWEST_SEGMENT_ROWS:
            found[segment] |= describe(compare_answers(data.recipe.spec, rows, judged.answers[chosen], judged.prior[chosen], seed=seed))
    return {"by": name, "values": found}


def _list_segments(values: FloatArray) -> list[tuple[str, np.ndarray]]:
    known, counts = np.unique(values, return_counts=True)  # all nulls are one
    kept = known[np.argsort(-counts, kind="stable")][:MOST_SEGMENTS]
    found = [("null" if np.isnan(value) else f"{value:g}", np.isnan(values) if np.isnan(value) else values == value) for value in kept]
    rest = ~np.logical_or.reduce([chosen for _, chosen in found])
    return [*found, (OTHER, rest)] if rest.any() else found


def measure_primary(spec: ModelSpec, rows: Rows, answers: FloatArray) -> float:
    """Return the metric that decides, of all rows at once and turned so that greater is better."""
    metrics, clusters = build_metrics(spec, rows, answers)
    metric = next(iter(metrics.values()))
    once = Resamples(np.ones((1, int(clusters.max()) + 1)), clusters)
    value = float(metric.statistic(once)[0])
    return value if metric.higher_is_better else -value


def build_metrics(spec: ModelSpec, rows: Rows, answers: FloatArray) -> tuple[Metrics, Integers]:
    """Return the metrics of answers, and the clusters of their rows, which for a ranking are its lists."""
    clusters = np.unique(rows.entities, return_inverse=True)[1].astype(np.int64)
    if spec.kind == "regression":
        return build_regression_metrics(rows.labels.astype(np.float64), answers[:, 0]), clusters
    labels = rows.labels.astype(np.int64)
    if spec.kind == "ranking":
        lists = RankedLists(labels, rows.observations, rows.items)
        return lists.build_metrics(answers[:, -1], cutoff=spec.list_length), clusters[lists.starts]
    if spec.label.class_column is not None:
        return build_multiclass_metrics(labels, answers), clusters
    return build_binary_metrics(labels, answers[:, 1]), clusters


def describe(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """Return the estimates as JSON-able values."""
    return {side: {name: asdict(getattr(found, side)) for name, found in comparisons.items()} for side in ("model", "baseline", "gain")}


def _answer_prior(data: TrainingData) -> FloatArray:
    if data.recipe.spec.kind == "ranking":
        return data.test.popularity[:, np.newaxis]
    if data.recipe.spec.kind == "regression":
        return np.full((len(data.test.labels), 1), data.train.labels.mean())
    shares = np.bincount(data.train.labels.astype(np.int64), minlength=len(data.classes)) / len(data.train.labels)
    return np.tile(shares, (len(data.test.labels), 1))


def compare_answers(spec: ModelSpec, rows: Rows, answers: FloatArray, prior: FloatArray, *, seed: int) -> dict[str, Comparison]:
    """Return the metrics of a model's answers beside others' to the same rows, in pairs, the primary one first."""
    (metrics, clusters), (of_baseline, _) = (build_metrics(spec, rows, given) for given in (answers, prior))
    return ClusterBootstrap(np.unique(clusters, return_inverse=True)[1].astype(np.int64), seed=seed).compare_all(metrics, of_baseline)
