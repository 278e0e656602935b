"""Fits a model version: reads the training set, fits and judges, fits again on all rows, compiles, writes, reads back.

What is judged was fitted on the train split alone, so the metrics are those of a model that has not seen the test split. What is
registered is fitted in the same way on the rows of all splits: the train split ends long before the cut-off, and the registered
model is to answer from there on. Its own quality is measured by experiments, not by these metrics (docs/adr/0004); of the rows
counted in metrics.json, `fitted` were behind the metrics and `registered` are behind the compiled model.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from presage.errors import CorruptArtifactError
from presage.runtime.observability import with_fields
from presage.training.artifact import ModelArtifact, Parity
from presage.training.compiled import encode_compiled
from presage.training.ports import TrainingFiles
from services.trainer.compiling import compile_pipeline
from services.trainer.fitting import fit_classifier
from services.trainer.judging import judge
from services.trainer.parity import prove_parity
from services.trainer.referencing import build_reference
from services.trainer.training_data import TrainingData, read_training_data

FORMAT = 2
SEED = 20_240_229
CLASSES = ("0", "1")
_LOG = logging.getLogger("presage.trainer.fit")


@dataclass(frozen=True)
class FitRequest:
    """Prefixes end with a slash: `training_set` in the lake, `artifact` in the artifacts bucket."""

    training_set: str
    artifact: str
    model_id: str
    version: int


def fit(request: FitRequest, files: TrainingFiles) -> ModelArtifact:
    """Write model.msgpack, metrics.json, reference.json and, last, model.json below the artifact prefix, and return the latter.

    Idempotency: the same request writes the same bytes.

    Raises:
        InvalidInputError: The data cannot teach or measure anything.
        CorruptArtifactError: The training set is not what it should be, or the compiled model answers otherwise than what was fitted.
    """
    data = read_training_data(files, request.training_set)
    _LOG.info("training set read", extra=with_fields({"train_rows": len(data.train.labels), "test_rows": len(data.test.labels)}))
    judged = fit_classifier(data.train, data.columns, seed=SEED)
    _LOG.info("train split fitted", extra=with_fields({"rows": judged.rows}))
    metrics = judge(data, judged, seed=SEED)
    _LOG.info("judged", extra=with_fields(metrics["verdict"]))
    registered = fit_classifier(data.labelled, data.columns, seed=SEED)
    _LOG.info("all rows fitted", extra=with_fields({"rows": registered.rows}))
    body = encode_compiled(compile_pipeline(registered.classifier, data.labelled.features, fill_values=registered.fill_values))
    parity = prove_parity(body, registered.predict, data.test.features)
    _LOG.info("compiled", extra=with_fields({"bytes": len(body), "largest_difference": parity.largest_difference}))
    metrics["rows"]["registered"] = registered.rows
    files.put_artifact(f"{request.artifact}reference.json", msgspec.json.encode(build_reference(data, judged)))
    artifact = _build_artifact(request, data, body, parity)
    _write(files, request, artifact, body=body, metrics=metrics)
    return artifact


def _build_artifact(request: FitRequest, data: TrainingData, body: bytes, parity: Parity) -> ModelArtifact:
    majority = CLASSES[int(data.labelled.labels.mean() > 0.5)]  # noqa: PLR2004 - the greater class
    return ModelArtifact(
        format=FORMAT,
        model_id=request.model_id,
        version=request.version,
        spec=data.recipe.spec,
        columns=data.columns,
        classes=CLASSES,
        baseline=data.candidates if data.recipe.spec.kind == "ranking" else (majority,),
        model_key=f"{request.artifact}model.msgpack",
        model_sha256=sha256(body).hexdigest(),
        parity=parity,
        training_set_id=data.training_set_id,
    )


def _write(files: TrainingFiles, request: FitRequest, artifact: ModelArtifact, *, body: bytes, metrics: dict[str, Any]) -> None:
    manifest_key = f"{request.artifact}model.json"
    files.put_artifact(artifact.model_key, body)
    files.put_artifact(f"{request.artifact}metrics.json", msgspec.json.encode(metrics))
    files.put_artifact(manifest_key, msgspec.json.encode(artifact))
    kept = msgspec.json.decode(files.read_artifact(manifest_key) or b"null", type=ModelArtifact | None)
    if kept != artifact or sha256(files.read_artifact(artifact.model_key) or b"").hexdigest() != artifact.model_sha256:
        raise CorruptArtifactError(f"{request.artifact}: what was read back is not what was written")
