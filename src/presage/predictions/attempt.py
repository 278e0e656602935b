"""One entry on its way from the request to the log: what was asked, what was answered, and what is written down of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET

from presage.experiments.model import Experiment, Variant
from presage.predictions.answers import Answer
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.request import PredictRequest, Query
from presage.predictions.response import FallbackReason, PredictionResult
from presage.training.model import Model

NO_VARIANT = "none"


class Attempt(msgspec.Struct, frozen=True):
    """A good entry that was given an id and, in an experiment, a variant."""

    position: int
    entry: Mapping[str, object]
    query: Query
    prediction_id: str
    variant: Variant | None = None


class Answered(msgspec.Struct, frozen=True):
    """An attempt with its answer. `experiment` is set if the attempt was assigned in it."""

    attempt: Attempt
    answer: Answer
    experiment: Experiment | None = None
    fallback_reason: FallbackReason | None = None

    def build_result(self) -> PredictionResult:
        """Return the wire form, without the features."""
        answer = self.answer
        return PredictionResult(
            prediction=answer.prediction,
            prediction_id=self.attempt.prediction_id,
            model_version=answer.model_version,
            variant=self.attempt.variant or NO_VARIANT,
            answered_by=answer.answered_by,
            snapshot_age_seconds=answer.snapshot_age_seconds,
            score=UNSET if answer.score is None else answer.score,
            entity_found=UNSET if answer.entity_found is None else answer.entity_found,
            experiment_id=UNSET if self.experiment is None else self.experiment.experiment_id,
            fallback_reason=UNSET if self.fallback_reason is None else self.fallback_reason,
        )

    def add_features(self, result: PredictionResult) -> PredictionResult:
        """Return the wire form with the feature vector that was used."""
        return msgspec.structs.replace(result, features=self.answer.features)

    def build_log_entry(self, result: PredictionResult, request: PredictRequest, model: Model, *, now: datetime) -> PredictionLogEntry:
        """Return the log entry; its `request` is a call that asks for this entry alone."""
        asked: dict[str, object] = {"model": request.model, "features": [self.attempt.entry]}
        if request.version is not None:
            asked["version"] = request.version
        return PredictionLogEntry(
            workspace_id=model.workspace_id,
            prediction_id=self.attempt.prediction_id,
            model_id=model.model_id,
            model_version=self.answer.model_version,
            entity_id=self.attempt.query.entity_id,
            variant=self.attempt.variant or NO_VARIANT,
            experiment_id=None if self.experiment is None else self.experiment.experiment_id,
            created_at=now,
            predicted_for=self.attempt.query.predicted_for,
            request=asked,
            features=self.answer.features,
            result=msgspec.to_builtins(result),
        )
