"""What is told of a model version: a report (JSON), its plots (SVG) and its card (Markdown and JSON), beside its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from presage.training.artifact import ModelArtifact
from presage.training.card import build_card, write_card
from presage.training.curves import Curve, count_confusion, trace_lists, trace_reliability, trace_residuals, trace_thresholds
from presage.training.ports import TrainingFiles
from presage.training.ranking_metrics import RankedLists
from presage.training.reports import CARD, CARD_TEXT, FORMAT, PLOTS, REPORT, build_report_key
from services.trainer.judging import Judged
from services.trainer.plots import draw_all
from services.trainer.training_data import TrainingData

MOST_CONFUSED = 20
"""A table of more classes is left out."""


def write_report(
    files: TrainingFiles,
    artifact: ModelArtifact,
    data: TrainingData,
    judged: Judged,
    *,
    metrics: Mapping[str, Any],
    details: Mapping[str, Any],
) -> None:
    """Write report, plots and cards into the lake. Idempotency: the same model has the same report, byte by byte."""
    curves = trace_curves(data, judged)
    report = {
        "format": FORMAT,
        "model_id": artifact.model_id,
        "version": artifact.version,
        "metrics": metrics,
        **details,
        "curves": curves,
        "confusion": _count_confusion(data, judged),
    }
    drawn = draw_all(curves)
    card = build_card(artifact, data.recipe, data.manifest, report=report, plots=tuple(drawn))
    bodies = {f"{PLOTS}{name}.svg": svg.encode() for name, svg in drawn.items()}
    bodies |= {CARD: msgspec.json.encode(card), CARD_TEXT: write_card(card).encode(), REPORT: msgspec.json.encode(report)}
    for name, body in bodies.items():
        files.put_lake(build_report_key(data.recipe.workspace_id, artifact.model_id, artifact.version, name), body)


def trace_curves(data: TrainingData, judged: Judged) -> dict[str, Curve]:
    """Return the curves of the test split that the model's kind has."""
    spec, rows, answers = data.recipe.spec, data.test, judged.answers
    if spec.kind == "regression":
        return {"residuals": trace_residuals(rows.labels.astype(np.float64), answers[:, 0])}
    labels = rows.labels.astype(np.int64)
    if spec.kind == "ranking":
        lists = RankedLists(labels, rows.observations, rows.items)
        return {"lists": trace_lists(lists, answers[:, -1], judged.prior[:, -1], cutoff=spec.list_length)}
    if spec.label.class_column is not None:
        return {"reliability": trace_reliability((answers.argmax(axis=1) == labels).astype(np.int64), answers.max(axis=1))}
    return {"reliability": trace_reliability(labels, answers[:, 1]), **trace_thresholds(labels, answers[:, 1])}


def _count_confusion(data: TrainingData, judged: Judged) -> Mapping[str, Any] | None:
    if data.recipe.spec.kind != "classification" or len(data.classes) > MOST_CONFUSED:
        return None
    labels = data.test.labels.astype(np.int64)
    counts = count_confusion(labels, judged.answers.argmax(axis=1).astype(np.int64), classes=len(data.classes))
    return {"classes": data.classes, "rows_by_class_and_answer": counts}
