"""The wire form of the answers of `POST /v1/predict` and `GET /v1/predictions/{prediction_id}`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from presage.predictions.explanation import Scale

AnsweredBy = Literal["model", "previous_version", "baseline", "default", "random"]
FallbackReason = Literal["no_version", "version_unavailable", "corrupt_artifact"]


NoExplanation = Literal["not_by_model", "more_than_two_classes"]


class MarginExplanation(msgspec.Struct, frozen=True):
    """`base` and the contributions by column add up to the margin: what the model adds up before its answer is made of it."""

    scale: Scale
    base: float
    contributions: Mapping[str, float]


class RowExplanation(msgspec.Struct, frozen=True):
    """`base` and the contributions by column add up to the score."""

    base: float
    contributions: Mapping[str, float]
    margin: MarginExplanation


class ItemsExplanation(msgspec.Struct, frozen=True):
    """The explanation of each shown item of a ranking."""

    items: Mapping[str, RowExplanation]


Explained = RowExplanation | ItemsExplanation


class PredictionResult(msgspec.Struct, frozen=True):
    """The answer to one entry.

    `prediction` is a class, a number, or item ids in their order. `score` is the probability of the second of two classes (`"1"`), that of
    the predicted one of more, whose `probabilities` are there too and are not logged, the number itself, or one score per item.
    `snapshot_age_seconds` is from the snapshot's `as_of` to the time the prediction is for; null when no snapshot was used.
    `snapshot_stale` is there when that is older than the service finds good.
    `allocation_version` is there from the second version of the experiment's weights on.
    `fallback_reason` is there only when something other than the wanted version had to answer. `propensity` is there when
    chance had a part, or was asked to: of the class, or of each item where it is shown. `explanation`, or why there is none,
    is there when it was asked for.
    """

    prediction: str | float | tuple[str, ...]
    prediction_id: str
    model_version: int | None
    variant: str
    answered_by: AnsweredBy
    snapshot_age_seconds: float | None
    score: float | tuple[float, ...] | UnsetType = UNSET
    entity_found: bool | UnsetType = UNSET
    experiment_id: str | UnsetType = UNSET
    allocation_version: int | UnsetType = UNSET
    snapshot_stale: Literal[True] | UnsetType = UNSET
    fallback_reason: FallbackReason | UnsetType = UNSET
    propensity: float | tuple[float, ...] | UnsetType = UNSET
    filters_unchecked: Literal[True] | UnsetType = UNSET
    features: Mapping[str, object] | UnsetType = UNSET
    probabilities: Mapping[str, float] | UnsetType = UNSET
    explanation: Explained | UnsetType = UNSET
    explanation_unavailable: NoExplanation | UnsetType = UNSET

    def fill(self, prediction: str | float, prediction_id: str, score: float, entity_found: bool | UnsetType) -> PredictionResult:  # noqa: FBT001 - a column's value
        """Return the answer to another entry that shares all else of what the model answered. `msgspec.structs.replace` is slower."""
        return PredictionResult(
            prediction,
            prediction_id,
            self.model_version,
            self.variant,
            self.answered_by,
            self.snapshot_age_seconds,
            score,
            entity_found,
            self.experiment_id,
            self.allocation_version,
            self.snapshot_stale,
            self.fallback_reason,
        )


class EntryFault(msgspec.Struct, frozen=True):
    """Why an entry was not answered."""

    code: str
    detail: str
    path: str | None


class EntryFailure(msgspec.Struct, frozen=True):
    """In place of a result, for an entry that cannot be answered. No prediction was attempted for it."""

    error: EntryFault


class PredictResponse(msgspec.Struct, frozen=True):
    """One result per entry of the request, in its order."""

    results: list[PredictionResult | EntryFailure]


class LoggedPrediction(msgspec.Struct, frozen=True):
    """What the prediction log holds of one answer."""

    prediction_id: str
    model_id: str
    model_version: int | None
    entity_id: str | None
    variant: str
    experiment_id: str | None
    created_at: datetime
    predicted_for: datetime
    request: Mapping[str, object]
    features: Mapping[str, object]
    result: Mapping[str, object]
