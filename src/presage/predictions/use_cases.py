"""What the public API does with predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from uuid_utils import uuid7

from presage.experiments.ports import AssignmentQueue
from presage.predictions.answers import answer_by_model
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.catalog import CatalogCache
from presage.predictions.loading import ScorerCache
from presage.predictions.policy import answer_all, assign
from presage.predictions.ports import Deployment, PredictionLog
from presage.predictions.request import EntryError, PredictRequest, parse_entry
from presage.predictions.response import EntryFailure, EntryFault, LoggedPrediction, PredictionResult, PredictResponse
from presage.training.model import Model, ModelVersion


@dataclass(frozen=True, slots=True)
class PredictionPorts:
    """What `predict` works with: metadata, versions ready to score, and where answers are handed over."""

    catalog: CatalogCache
    scorers: ScorerCache
    log: PredictionLog
    assignments: AssignmentQueue


def new_prediction_id() -> str:
    """Return a UUID that no other has, and that sorts by time (version 7)."""
    return str(uuid7())


def predict(
    request: PredictRequest,
    *,
    workspace_id: str,
    ports: PredictionPorts,
    now: datetime,
    new_id: Callable[[], str] = new_prediction_id,
) -> PredictResponse:
    """Return one result per entry, after its log entry and its assignment are handed over durably.

    The log comes first: an assignment that counts can always be explained. When the assignments are then not taken, log entries
    stay of answers that nobody got; asked again, a unit meets the same variant and is counted from then on.
    Idempotency: none; every call makes new predictions.

    Raises:
        NotFoundError: No such model or version.
        UnavailableError: Not everything was handed over durably: ask again. Nothing is claimed.
        CorruptArtifactError: The version named explicitly cannot answer.
    """
    deployment = ports.catalog.get_deployment(workspace_id, request.model)
    attempts, failures = _parse_entries(request, deployment, now=now, new_id=new_id)
    if request.version is None:
        answered = answer_all(attempts, deployment, ports.scorers)
    else:
        answered = _answer_by_version(attempts, ports.catalog.get_version(deployment, request.version), ports.scorers)
    _hand_over(answered, request, deployment.model, ports, now=now)
    results: dict[int, PredictionResult | EntryFailure] = failures
    for item in answered:
        results[item.attempt.position] = item.build_result(include_features=request.include_features)
    return PredictResponse([results[position] for position in range(len(request.features))])


def get_prediction(*, workspace_id: str, prediction_id: str, log: PredictionLog) -> LoggedPrediction:
    """Return what the log holds of an answer, or raise `NotFoundError`, also for another workspace's."""
    return msgspec.convert(log.get_prediction(workspace_id, prediction_id), LoggedPrediction, from_attributes=True)


def _parse_entries(
    request: PredictRequest, deployment: Deployment, *, now: datetime, new_id: Callable[[], str]
) -> tuple[list[Attempt], dict[int, PredictionResult | EntryFailure]]:
    columns, ranking = deployment.columns, deployment.model.spec.kind == "ranking"
    experiment = deployment.assigning if request.version is None else None
    attempts: list[Attempt] = []
    failures: dict[int, PredictionResult | EntryFailure] = {}
    for position, entry in enumerate(request.features):
        try:
            query = parse_entry(entry, path=f"$.features[{position}]", columns=columns, ranking=ranking, now=now)
        except EntryError as error:
            failures[position] = EntryFailure(EntryFault(error.code, str(error), error.path))
        else:
            attempts.append(Attempt(position, entry, query, new_id(), assign(experiment, query.entity_id)))
    return attempts, failures


def _answer_by_version(attempts: Sequence[Attempt], version: ModelVersion, scorers: ScorerCache) -> list[Answered]:
    scorer = scorers.get_scorer(version)
    if not attempts:
        return []
    answers = answer_by_model(scorer, [attempt.query for attempt in attempts], answered_by="model")
    return [Answered(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True)]


def _hand_over(answered: Sequence[Answered], request: PredictRequest, model: Model, ports: PredictionPorts, *, now: datetime) -> None:
    if not answered:
        return
    ports.log.put_predictions([item.build_log_entry(request, model, now=now) for item in answered])
    assignments = [assignment for item in answered if (assignment := item.build_assignment()) is not None]
    if assignments:
        ports.assignments.publish_assignments(assignments)
