"""What the public API does with predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from presage.predictions.answers import answer_by_model
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.catalog import CatalogCache
from presage.predictions.loading import ScorerCache
from presage.predictions.policy import answer_all, assign, find_experiment
from presage.predictions.ports import PredictionJournal, PredictionLog
from presage.predictions.request import EntryError, PredictRequest, parse_entry
from presage.predictions.response import EntryFailure, EntryFault, LoggedPrediction, PredictionResult, PredictResponse
from presage.training.model import Model, ModelVersion
from presage.training.spec import feature_columns


@dataclass(frozen=True, slots=True)
class PredictionPorts:
    """What predictions are made with: metadata, versions ready to score, where answers are written down, and where they are read back."""

    catalog: CatalogCache
    scorers: ScorerCache
    journal: PredictionJournal
    log: PredictionLog


def predict(
    request: PredictRequest,
    *,
    workspace_id: str,
    ports: PredictionPorts,
    now: datetime,
    new_uuid: Callable[[], UUID] = uuid4,
) -> PredictResponse:
    """Return one result per entry, after all of them are in the journal: the log and the warehouse get them from there.

    Idempotency: none; every call makes new predictions.

    Raises:
        NotFoundError: No such model or version.
        UnavailableError: The answers could not be written down: ask again. None of them counts.
        CorruptArtifactError: The version named explicitly cannot answer.
    """
    deployment = ports.catalog.get_deployment(workspace_id, request.model)
    attempts, failures = _parse_entries(request, deployment.model, now=now, new_uuid=new_uuid)
    if request.version is None:
        experiment = find_experiment(deployment)
        assigned = [replace(attempt, variant=assign(experiment, attempt.query.entity_id)) for attempt in attempts]
        answered = answer_all(assigned, deployment, ports.scorers)
    else:
        answered = _answer_by_version(attempts, ports.catalog.get_version(deployment, request.version), ports.scorers)
    if answered:
        ports.journal.append([item.build_log_entry(request, deployment.model, now=now) for item in answered])
    results: dict[int, PredictionResult | EntryFailure] = dict(failures)
    results.update((item.attempt.position, item.build_result(include_features=request.include_features)) for item in answered)
    return PredictResponse([results[position] for position in range(len(request.features))])


def get_prediction(*, workspace_id: str, prediction_id: str, log: PredictionLog) -> LoggedPrediction:
    """Return what the log holds of an answer, or raise `NotFoundError`, also for another workspace's.

    An answer reaches the log seconds after it was given.
    """
    return msgspec.convert(log.get_prediction(workspace_id, prediction_id), LoggedPrediction, from_attributes=True)


def _parse_entries(
    request: PredictRequest, model: Model, *, now: datetime, new_uuid: Callable[[], UUID]
) -> tuple[list[Attempt], dict[int, EntryFailure]]:
    columns = frozenset(feature_columns(model.spec))
    ranking = model.spec.kind == "ranking"
    attempts: list[Attempt] = []
    failures: dict[int, EntryFailure] = {}
    for position, entry in enumerate(request.features):
        try:
            query = parse_entry(entry, path=f"$.features[{position}]", columns=columns, ranking=ranking, now=now)
        except EntryError as error:
            failures[position] = EntryFailure(EntryFault(error.code, str(error), error.path))
        else:
            attempts.append(Attempt(position, entry, query, str(new_uuid())))
    return attempts, failures


def _answer_by_version(attempts: Sequence[Attempt], version: ModelVersion, scorers: ScorerCache) -> list[Answered]:
    scorer = scorers.get_scorer(version)
    if not attempts:
        return []
    answers = answer_by_model(scorer, [attempt.query for attempt in attempts], answered_by="model")
    return [Answered(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True)]
