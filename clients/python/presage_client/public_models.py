"""What the public API takes and answers.

Generated from docs/openapi by `python -m presage_client_generator`; not edited by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from presage_client.model import ApiStruct


class AnyExplanation(ApiStruct, kw_only=True):
    """`Explanation` or `ItemsExplanation`: has the fields of the one that it is."""

    base: float | UnsetType = UNSET
    """The score of the margin's base."""
    contributions: dict[str, float] | UnsetType = UNSET
    """By column, after raw values took the place of looked-up ones."""
    margin: AnyExplanationMargin | UnsetType = UNSET
    """What the model adds up. `base` plus all contributions is the log-odds of the score: log(score / (1 - score)). For trees these
    are exact Shapley values, in which an absent column is averaged by the rows that the model was fitted on; for linear models
    each term less its mean over those rows.
    """
    items: dict[str, Explanation] | UnsetType = UNSET


class AnyExplanationMargin(ApiStruct, kw_only=True):
    """What the model adds up. `base` plus all contributions is the log-odds of the score: log(score / (1 - score)). For trees these
    are exact Shapley values, in which an absent column is averaged by the rows that the model was fitted on; for linear models
    each term less its mean over those rows.
    """

    scale: str
    base: float
    contributions: dict[str, float]


class EntryAnswer(ApiStruct, kw_only=True):
    """`PredictionResult` or `EntryFailure`: has the fields of the one that it is."""

    prediction: str | float | list[str] | UnsetType = UNSET
    """A class, a number, or item ids in the order to show them: best first, unless chance ordered them. An empty list if `exclude`
    and `filters` leave nothing.
    """
    prediction_id: str | UnsetType = UNSET
    model_version: int | UnsetType | None = UNSET
    """Null when no version was needed for the answer."""
    variant: str | UnsetType = UNSET
    """`control`, or the name of the arm: `treatment` in an experiment without named arms. `none` outside an experiment, for entries
    without `id`, and for units in the holdout or outside the experiment's segment.
    """
    answered_by: str | UnsetType = UNSET
    """Who answered. A control's earlier version is `previous_version`, its popularity list a `baseline`; with `fallback_reason` it
    stood in for another.
    """
    snapshot_age_seconds: float | UnsetType | None = UNSET
    """From the time of the feature values to the time the prediction is for, so negative for a `timestamp` before them; null if the
    model did not answer.
    """
    score: float | list[float] | UnsetType = UNSET
    """The probability of class `1`; of more than two classes, of the predicted one; the number itself; or one per item."""
    probabilities: dict[str, float] | UnsetType = UNSET
    """Of each class, where there are more than two. Not logged."""
    entity_found: bool | UnsetType = UNSET
    """Whether the snapshot knows the `id`; if not, counts were 0 and all else null."""
    experiment_id: str | UnsetType = UNSET
    allocation_version: int | UnsetType = UNSET
    """By which version of the experiment's weights the variant was drawn; left out for the first."""
    fallback_reason: str | UnsetType = UNSET
    """Why something other than the serving version answered: the model has none; its files cannot be fetched; they are damaged or
    missing, or what the version gave is no answer.
    """
    features: dict[str, Any] | UnsetType = UNSET
    """By column; for a ranking `{"entity": {column: value}, "items": {item: {column: value}}}`."""
    explanation: AnyExplanation | UnsetType = UNSET
    """With `explain`, if a model answered (`model` or `previous_version`). It is logged with the answer."""
    explanation_unavailable: str | UnsetType = UNSET
    """With `explain`, why there is no explanation: no model answered (`answered_by` says who did), or its scores are of more than
    two classes.
    """
    propensity: float | list[float] | UnsetType = UNSET
    """With `exploration`, and of random controls always: the probability that this class is answered; of a ranking, for each item,
    that it is shown at its place, whatever stands elsewhere. Without it the answer was certain, and the propensity is 1. With m
    the smaller of `among` and the number of candidates, it is epsilon / m at the first m places, and 1 - epsilon more where the
    item stands as the model ranked it; behind them 1. A random list of n candidates has 1 / n at each place; baseline and default
    have 1.
    """
    filters_unchecked: bool | UnsetType = UNSET
    """No snapshot could be read to check the `filters`, so no item is shown."""
    snapshot_stale: bool | UnsetType = UNSET
    """The feature values were older than the service finds good (7 days unless its operators chose otherwise), and were used all the
    same.
    """
    error: EntryAnswerError | UnsetType = UNSET


class EntryAnswerError(ApiStruct, kw_only=True):
    """`EntryAnswerError` of the document."""

    code: str
    detail: str
    path: str | None
    """JSONPath into the request."""


class Explanation(ApiStruct, kw_only=True):
    """`base` plus all contributions is the score, a probability, within 1e-6. They are the margin's contributions, each multiplied
    by the mean slope of the logistic function on the straight way from the margin's base to the margin (integrated gradients), so
    their proportions are the margin's.
    """

    base: float
    """The score of the margin's base."""
    contributions: dict[str, float]
    """By column, after raw values took the place of looked-up ones."""
    margin: ExplanationMargin
    """What the model adds up. `base` plus all contributions is the log-odds of the score: log(score / (1 - score)). For trees these
    are exact Shapley values, in which an absent column is averaged by the rows that the model was fitted on; for linear models
    each term less its mean over those rows.
    """


class ExplanationMargin(ApiStruct, kw_only=True):
    """What the model adds up. `base` plus all contributions is the log-odds of the score: log(score / (1 - score)). For trees these
    are exact Shapley values, in which an absent column is averaged by the rows that the model was fitted on; for linear models
    each term less its mean over those rows.
    """

    scale: str
    base: float
    contributions: dict[str, float]


class LoggedPrediction(ApiStruct, kw_only=True):
    """`LoggedPrediction` of the document."""

    prediction_id: str
    model_id: str
    model_version: int | None
    entity_id: str | None
    variant: str
    experiment_id: str | None
    created_at: datetime
    predicted_for: datetime
    request: dict[str, Any]
    """A call that asks for this entry alone."""
    features: dict[str, Any]
    """The feature values that were, or would have been, used."""
    result: PredictionResult


class PredictResponse(ApiStruct, kw_only=True):
    """`PredictResponse` of the document."""

    results: list[EntryAnswer]


class PredictionResult(ApiStruct, kw_only=True):
    """`PredictionResult` of the document."""

    prediction: str | float | list[str]
    """A class, a number, or item ids in the order to show them: best first, unless chance ordered them. An empty list if `exclude`
    and `filters` leave nothing.
    """
    prediction_id: str
    model_version: int | None
    """Null when no version was needed for the answer."""
    variant: str
    """`control`, or the name of the arm: `treatment` in an experiment without named arms. `none` outside an experiment, for entries
    without `id`, and for units in the holdout or outside the experiment's segment.
    """
    answered_by: str
    """Who answered. A control's earlier version is `previous_version`, its popularity list a `baseline`; with `fallback_reason` it
    stood in for another.
    """
    snapshot_age_seconds: float | None
    """From the time of the feature values to the time the prediction is for, so negative for a `timestamp` before them; null if the
    model did not answer.
    """
    score: float | list[float] | UnsetType = UNSET
    """The probability of class `1`; of more than two classes, of the predicted one; the number itself; or one per item."""
    probabilities: dict[str, float] | UnsetType = UNSET
    """Of each class, where there are more than two. Not logged."""
    entity_found: bool | UnsetType = UNSET
    """Whether the snapshot knows the `id`; if not, counts were 0 and all else null."""
    experiment_id: str | UnsetType = UNSET
    allocation_version: int | UnsetType = UNSET
    """By which version of the experiment's weights the variant was drawn; left out for the first."""
    fallback_reason: str | UnsetType = UNSET
    """Why something other than the serving version answered: the model has none; its files cannot be fetched; they are damaged or
    missing, or what the version gave is no answer.
    """
    features: dict[str, Any] | UnsetType = UNSET
    """By column; for a ranking `{"entity": {column: value}, "items": {item: {column: value}}}`."""
    explanation: AnyExplanation | UnsetType = UNSET
    """With `explain`, if a model answered (`model` or `previous_version`). It is logged with the answer."""
    explanation_unavailable: str | UnsetType = UNSET
    """With `explain`, why there is no explanation: no model answered (`answered_by` says who did), or its scores are of more than
    two classes.
    """
    propensity: float | list[float] | UnsetType = UNSET
    """With `exploration`, and of random controls always: the probability that this class is answered; of a ranking, for each item,
    that it is shown at its place, whatever stands elsewhere. Without it the answer was certain, and the propensity is 1. With m
    the smaller of `among` and the number of candidates, it is epsilon / m at the first m places, and 1 - epsilon more where the
    item stands as the model ranked it; behind them 1. A random list of n candidates has 1 / n at each place; baseline and default
    have 1.
    """
    filters_unchecked: bool | UnsetType = UNSET
    """No snapshot could be read to check the `filters`, so no item is shown."""
    snapshot_stale: bool | UnsetType = UNSET
    """The feature values were older than the service finds good (7 days unless its operators chose otherwise), and were used all the
    same.
    """


class Record(ApiStruct, kw_only=True):
    """`Record` of the document."""

    record_id: str | UnsetType = UNSET
    """A hash of the rest by default."""
    entity_id: str
    event_timestamp: datetime
    """When it was true. Never in the future."""
    known_timestamp: datetime | UnsetType = UNSET
    """When it could have been known: the time of acceptance by default; a backfill may say an earlier one, never before the event.
    """
    values: dict[str, float | str | bool | None]
    """By column of the dataset; a column may be missing."""


class RecordResult(ApiStruct, kw_only=True):
    """`RecordResult` of the document."""

    status: str
    """`accepted`: durable, and it lands once, whether or not it was sent before. `duplicate`: a record of this id is durable
    already, from this call or from one that was answered lately; answered where it is known, so a record sent again may as well
    be `accepted`, with the same effect. `invalid`: not taken, `code` says why.
    """
    record_id: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    """JSONPath into the record."""
    message: str | UnsetType = UNSET


class RecordsAnswer(ApiStruct, kw_only=True):
    """`RecordsAnswer` of the document."""

    accepted: int
    duplicate: int
    invalid: int
    results: list[RecordResult]
