"""One entry on its way from the request to the log: what was asked, what was answered, and what is written down of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET

from presage.errors import InvalidInputError
from presage.experiments.model import Experiment, Variant
from presage.predictions.answers import Answer
from presage.predictions.basis import Answerer, Basis
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.request import PredictRequest, Query
from presage.predictions.response import FallbackReason, PredictionResult
from presage.training.model import Model
from presage.training.spec import ModelSpec

NO_VARIANT = "none"
MAX_EXPLAINED_SCORES = 100
"""An explanation costs milliseconds where a score costs microseconds. No list is longer."""


class Attempt(msgspec.Struct, frozen=True):
    """A good entry that was given an id and, in an experiment, a variant. A `held` one's unit is in the holdout."""

    position: int
    entry: Mapping[str, object]
    query: Query
    prediction_id: str
    variant: Variant | None = None
    held: bool = False


def ask_to_explain(attempts: Sequence[Attempt], *, entries: int, spec: ModelSpec) -> list[Attempt]:
    """Return the attempts, of a call of that many entries, as ones whose answers are to be explained.

    Raises:
        InvalidInputError: The call asks for more explanations than one may.
    """
    scores = entries * (spec.list_length if spec.kind == "ranking" else 1)
    if scores > MAX_EXPLAINED_SCORES:
        message = f"A call explains at most {MAX_EXPLAINED_SCORES} scores; {entries} entries of this model may have {scores}"
        raise InvalidInputError(message, path="$.explain", code="too_many_explanations")
    return [msgspec.structs.replace(attempt, query=msgspec.structs.replace(attempt.query, explain=True)) for attempt in attempts]


class Answered(msgspec.Struct, frozen=True):
    """An attempt with its answer. `experiment` is set if the attempt was assigned in it, by weights of `allocation_version`.

    `answerer` was to answer; `drawn_in` is the experiment whose salt chance was drawn with.
    """

    attempt: Attempt
    answer: Answer
    experiment: Experiment | None = None
    fallback_reason: FallbackReason | None = None
    allocation_version: int = 1
    answerer: Answerer = "model"
    drawn_in: str | None = None

    def build_result(self, *, explain: bool = False) -> PredictionResult:
        """Return the wire form, without the features; if it was asked for with the explanation, or why there is none."""
        answer = self.answer
        return PredictionResult(
            prediction=answer.prediction,
            prediction_id=self.attempt.prediction_id,
            model_version=answer.model_version,
            variant=self.attempt.variant or NO_VARIANT,
            answered_by=answer.answered_by,
            snapshot_age_seconds=answer.snapshot_age_seconds,
            snapshot_stale=answer.snapshot_stale,
            score=UNSET if answer.score is None else answer.score,
            entity_found=UNSET if answer.entity_found is None else answer.entity_found,
            experiment_id=UNSET if self.experiment is None else self.experiment.experiment_id,
            allocation_version=UNSET if self.allocation_version == 1 else self.allocation_version,
            propensity=answer.propensity,
            filters_unchecked=answer.filters_unchecked,
            fallback_reason=UNSET if self.fallback_reason is None else self.fallback_reason,
            explanation=answer.explanation if explain and not isinstance(answer.explanation, str) else UNSET,
            explanation_unavailable=answer.explanation if explain and isinstance(answer.explanation, str) else UNSET,
        )

    def add_details(self, result: PredictionResult, request: PredictRequest) -> PredictionResult:
        """Return the wire form with what is not logged in it: probabilities of many classes, and features that were asked for."""
        if self.answer.probabilities is not UNSET:
            result = msgspec.structs.replace(result, probabilities=self.answer.probabilities)
        return msgspec.structs.replace(result, features=self.answer.features) if request.include_features else result

    def build_log_entry(self, result: Mapping[str, object], request: PredictRequest, model: Model, *, now: datetime) -> PredictionLogEntry:
        """Return the log entry, with `result` as a JSON-able value; its `request` is a call that asks for this entry alone."""
        asked: dict[str, object] = {"model": request.model, "features": [self.attempt.entry]}
        if request.version is not None:
            asked["version"] = int(request.version)
        if request.explain:
            asked["explain"] = True
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
            result=result,
            basis=Basis(self.answerer, self.answer.source, self.answer.baseline_sha256, self.drawn_in),
        )
