"""Judges a fitted model beside its baseline on the test split."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from presage.training.evaluation import (
    LEVEL,
    ClusterBootstrap,
    Comparison,
    build_auc,
    build_mean,
    compute_log_losses,
    compute_ranking_gains,
)
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
    bootstrap = ClusterBootstrap(rows.entities, seed=seed)
    prior = np.full(len(scores), share)
    losses = [build_mean(compute_log_losses(rows.labels, answers)) for answers in (scores, prior)]
    hits = [build_mean(((answers > 0.5) == (rows.labels == 1)).astype(np.float64)) for answers in (scores, prior)]  # noqa: PLR2004 - the greater class
    aucs = [build_auc(rows.labels, answers) for answers in (scores, prior)]
    return {
        "log_loss": bootstrap.compare(*losses, higher_is_better=False),
        "auc": bootstrap.compare(*aucs, higher_is_better=True),
        "accuracy": bootstrap.compare(*hits, higher_is_better=True),
    }


def _judge_ranking(rows: Rows, scores: Scores, *, cutoff: int, seed: int) -> dict[str, Comparison]:
    starts = np.flatnonzero(np.diff(rows.observations, prepend=-1))
    bounds = list(zip(starts, [*starts[1:], len(scores)], strict=True))
    bootstrap = ClusterBootstrap(np.unique(rows.entities[starts], return_inverse=True)[1].astype(np.int64), seed=seed)
    gains = [
        np.array(
            [compute_ranking_gains(rows.labels[a:b], answers[a:b], rows.items[a:b], cutoff=cutoff) for a, b in bounds], dtype=np.float64
        )
        for answers in (scores, rows.popularity)
    ]
    return {
        f"{name}_at_{cutoff}": bootstrap.compare(*[build_mean(found[:, place]) for found in gains], higher_is_better=True)
        for place, name in enumerate(("ndcg", "hit"))
    }
