"""Fits a model version: reads the training set, fits and judges, fits again on all rows, compiles, writes, reads back.

What is judged was fitted on the train split alone, so the metrics are those of a model that has not seen the test split. What is
registered is fitted in the same way on the rows of all splits: the train split ends long before the cut-off, and the registered
model is to answer from there on. Its own quality is measured by experiments, not by these metrics (docs/adr/0004); of the rows
counted in metrics.json, `fitted` were behind the metrics and `registered` are behind the compiled model. Algorithm and settings are
chosen on entities of the train split that were left out (docs/adr/0037).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any

import msgspec
import numpy as np

from presage.errors import CorruptArtifactError
from presage.runtime.observability import with_fields
from presage.training.artifact import ModelArtifact, Parity
from presage.training.compiled import encode_compiled
from presage.training.ports import TrainingFiles
from services.trainer.championing import judge_champion, keep_judged
from services.trainer.fitting import Fitted, Plan, fit
from services.trainer.judging import Judged, judge, judge_segments
from services.trainer.parity import prove_parity
from services.trainer.referencing import build_reference
from services.trainer.reporting import write_report
from services.trainer.search import Choice, Clock, search
from services.trainer.training_data import TrainingData, read_training_data

FORMAT = 2
SEED = 20_240_229
PROGRESS = "progress.json"
_LOG = logging.getLogger("presage.trainer.fit")


@dataclass(frozen=True)
class FitRequest:
    """Prefixes end with a slash: `training_set` in the lake, `artifact` and that of the version to beat in the artifacts bucket."""

    training_set: str
    artifact: str
    model_id: str
    version: int
    champion: str | None = None


def fit_version(request: FitRequest, files: TrainingFiles, *, clock: Clock = monotonic) -> ModelArtifact:
    """Write model.msgpack, the report, reference.json, metrics.json and, last, model.json, and return the latter.

    Idempotency: the same request writes the same bytes, if its search is not ended by the seconds that `clock` counts.

    Raises:
        InvalidInputError: The data cannot teach or measure anything.
        CorruptArtifactError: The training set is not what it should be, or the compiled model answers otherwise than what was fitted.
    """
    data = read_training_data(files, request.training_set)
    _LOG.info("training set read", extra=with_fields({"train_rows": len(data.train.labels), "test_rows": len(data.test.labels)}))

    def report(fraction: float, message: str) -> None:
        _LOG.info("searching", extra=with_fields({"fraction": fraction, "progress": message}))
        files.put_artifact(f"{request.artifact}{PROGRESS}", msgspec.json.encode({"fraction": fraction, "message": message}))

    choice = search(data, seed=SEED, clock=clock, report=report)
    plan = Plan(data.recipe.spec, choice.trial, data.columns, len(data.classes), SEED)
    fitted = fit(data.train, plan)
    _LOG.info("train split fitted", extra=with_fields({"rows": fitted.rows, "algorithm": choice.trial.algorithm}))
    judged = judge(data, fitted.predict(data.test.features), seed=SEED)
    registered = fit(data.labelled, plan)
    _LOG.info("all rows fitted", extra=with_fields({"rows": registered.rows}))
    body = encode_compiled(registered.compile(data.labelled.features))
    parity = prove_parity(body, registered.predict_known, data.test.features)
    _LOG.info("compiled", extra=with_fields({"bytes": len(body), "largest_difference": parity.largest_difference}))
    artifact = _build_artifact(request, data, registered, body=body, parity=parity)
    metrics = _describe(data, judged, rows={"fitted": fitted.rows, "registered": registered.rows})
    _LOG.info("judged", extra=with_fields(metrics["verdict"]))
    keep_judged(files, request.artifact, data, fitted)
    if request.champion is not None:
        metrics["champion"] = judge_champion(files, data, prefix=request.artifact, champion=request.champion, seed=SEED)
    write_report(files, artifact, data, judged, metrics=metrics, details=_describe_choice(data, judged, choice))
    files.put_artifact(f"{request.artifact}reference.json", msgspec.json.encode(build_reference(data, fitted)))
    _write(files, request, artifact, body=body, metrics=metrics)
    return artifact


def _describe(data: TrainingData, judged: Judged, *, rows: dict[str, int]) -> dict[str, Any]:
    splits = (("train", data.train), ("test", data.test))
    return judged.describe() | {
        "rows": {"train": len(data.train.labels), "test": len(data.test.labels), **rows},
        "observations": {name: int(found.observations.max()) + 1 for name, found in splits},
        "entities": {name: int(found.entities.max()) + 1 for name, found in splits},
    }


def _describe_choice(data: TrainingData, judged: Judged, choice: Choice) -> dict[str, Any]:
    return {"search": choice.describe(), "segments": judge_segments(data, judged, seed=SEED)}


def _build_artifact(request: FitRequest, data: TrainingData, fitted: Fitted, *, body: bytes, parity: Parity) -> ModelArtifact:
    return ModelArtifact(
        format=FORMAT,
        model_id=request.model_id,
        version=request.version,
        spec=data.recipe.spec,
        columns=data.columns,
        classes=tuple(data.classes[place] for place in fitted.known),
        baseline=_build_baseline(data),
        model_key=f"{request.artifact}model.msgpack",
        model_sha256=sha256(body).hexdigest(),
        parity=parity,
        training_set_id=data.training_set_id,
    )


def _build_baseline(data: TrainingData) -> tuple[str, ...]:
    if data.recipe.spec.kind == "ranking":
        return data.candidates
    if not data.classes:
        return (repr(float(data.labelled.labels.mean())),)
    counts = np.bincount(data.labelled.labels.astype(np.int64), minlength=len(data.classes))
    return (data.classes[int(counts.argmax())],)


def _write(files: TrainingFiles, request: FitRequest, artifact: ModelArtifact, *, body: bytes, metrics: dict[str, Any]) -> None:
    manifest_key = f"{request.artifact}model.json"
    files.put_artifact(artifact.model_key, body)
    files.put_artifact(f"{request.artifact}metrics.json", msgspec.json.encode(metrics))
    files.put_artifact(manifest_key, msgspec.json.encode(artifact))
    kept = msgspec.json.decode(files.read_artifact(manifest_key) or b"null", type=ModelArtifact | None)
    if kept != artifact or sha256(files.read_artifact(artifact.model_key) or b"").hexdigest() != artifact.model_sha256:
        raise CorruptArtifactError(f"{request.artifact}: what was read back is not what was written")
