"""Judges a fitted model beside its baseline on the test split."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from presage.training.classification_metrics import build_binary_metrics
from presage.training.evaluation import LEVEL, ClusterBootstrap, Comparison
from presage.training.ranking_metrics import RankedLists
from services.trainer.fitting import Fitted
from services.trainer.training_data import Rows, TrainingData

Scores = npt.NDArray[np.float64]


def judge(data: TrainingData, fitted: Fitted, *, seed: int) -> dict[str, Any]:
    """Return the metrics of model and baseline with intervals, and whether the model beats it: the primary gain's interval is over 0.

    Classification: the baseline answers the train split's share of "1" to everybody; primary is the log loss.
    Ranking: the baseline ranks by how often items had been seen at the observation; primary is the NDCG of the list.
    """
    scores = fitted.score(data.test.features)
    if data.recipe.spec.kind == "ranking":
        metrics = _judge_ranking(data.test, scores, cutoff=data.recipe.spec.list_length, seed=seed)
    else:
        metrics = _judge_classification(data.test, scores, share=float(data.train.labels.mean()), seed=seed)
    primary = next(iter(metrics))
    gain = metrics[primary].gain
    return {
        "model": {name: asdict(found.model) for name, found in metrics.items()},
        "baseline": {name: asdict(found.baseline) for name, found in metrics.items()},
        "gain": {name: asdict(found.gain) for name, found in metrics.items()},
        "verdict": {"primary": primary, "beats_baseline": gain.lower > 0, "confidence_level": LEVEL},
        "rows": {"train": len(data.train.labels), "fitted": fitted.rows, "test": len(data.test.labels)},
        "observations": {name: int(rows.observations.max()) + 1 for name, rows in (("train", data.train), ("test", data.test))},
        "entities": {name: int(rows.entities.max()) + 1 for name, rows in (("train", data.train), ("test", data.test))},
    }


def _judge_classification(rows: Rows, scores: Scores, *, share: float, seed: int) -> dict[str, Comparison]:
    prior = np.full(len(scores), share)
    metrics, of_baseline = (build_binary_metrics(rows.labels, answers) for answers in (scores, prior))
    return ClusterBootstrap(rows.entities, seed=seed).compare_all(metrics, of_baseline)


def _judge_ranking(rows: Rows, scores: Scores, *, cutoff: int, seed: int) -> dict[str, Comparison]:
    lists = RankedLists(rows.labels, rows.observations, rows.items)
    metrics, of_baseline = (lists.build_metrics(answers, cutoff=cutoff) for answers in (scores, rows.popularity))
    clusters = np.unique(rows.entities[lists.starts], return_inverse=True)[1].astype(np.int64)
    return ClusterBootstrap(clusters, seed=seed).compare_all(metrics, of_baseline)
