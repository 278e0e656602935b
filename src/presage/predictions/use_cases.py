"""What the public API does with predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from uuid_utils import uuid7

from presage.predictions.answers import answer_by_model
from presage.predictions.attempt import Answered, Attempt, ask_to_explain
from presage.predictions.catalog import CatalogCache
from presage.predictions.entry_values import EntryError
from presage.predictions.loading import ScorerCache
from presage.predictions.policy import answer_all, assign
from presage.predictions.ports import Deployment, PredictionJournal, PredictionLog, PredictionLogEntry
from presage.predictions.request import PredictRequest, parse_entry
from presage.predictions.response import EntryFailure, EntryFault, LoggedPrediction, PredictionResult, PredictResponse
from presage.training.model import ModelVersion


@dataclass(frozen=True, slots=True)
class PredictionPorts:
    """What predictions are made with: metadata, versions ready to score, where answers are written down, and where they are read back."""

    catalog: CatalogCache
    scorers: ScorerCache
    journal: PredictionJournal
    log: PredictionLog


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
    """Return one result per entry, after all of them are in the journal: the log and the warehouse get them from there.

    Idempotency: none; every call makes new predictions.

    Raises:
        NotFoundError: No such model or version.
        UnavailableError: The answers could not be written down: ask again. None of them counts.
        InvalidInputError: What it asks for beside the answers cannot be had.
        CorruptArtifactError: The version named explicitly cannot answer.
    """
    deployment = ports.catalog.get_deployment(workspace_id, request.model)
    attempts, failures = _parse_entries(request, deployment, now=now, new_id=new_id)
    if request.explain:
        attempts = ask_to_explain(attempts, entries=len(request.features), spec=deployment.model.spec)
    if request.version is None:
        answered = answer_all(attempts, deployment, ports.scorers)
    else:
        answered = _answer_by_version(attempts, ports.catalog.get_version(deployment, int(request.version)), ports.scorers)
    results: dict[int, PredictionResult | EntryFailure] = failures
    entries: list[PredictionLogEntry] = []
    for item in answered:
        result = item.build_result()
        entries.append(item.build_log_entry(result, request, deployment.model, now=now))
        results[item.attempt.position] = item.add_details(result, request) if request.include_features or request.explain else result
    if entries:
        ports.journal.append(entries)
    return PredictResponse([results[position] for position in range(len(request.features))])


def get_prediction(*, workspace_id: str, prediction_id: str, log: PredictionLog) -> LoggedPrediction:
    """Return what the log holds of an answer, or raise `NotFoundError`, also for another workspace's.

    An answer reaches the log seconds after it was given.
    """
    return msgspec.convert(log.get_prediction(workspace_id, prediction_id), LoggedPrediction, from_attributes=True)


def _parse_entries(
    request: PredictRequest, deployment: Deployment, *, now: datetime, new_id: Callable[[], str]
) -> tuple[list[Attempt], dict[int, PredictionResult | EntryFailure]]:
    columns, item_columns = deployment.columns, deployment.item_columns
    allocation = deployment.allocation if request.version is None else None
    attempts: list[Attempt] = []
    failures: dict[int, PredictionResult | EntryFailure] = {}
    for position, entry in enumerate(request.features):
        try:
            query = parse_entry(entry, path=f"$.features[{position}]", columns=columns, item_columns=item_columns, now=now)
        except EntryError as error:
            failures[position] = EntryFailure(EntryFault(error.code, str(error), error.path))
        else:
            prediction_id = new_id()
            if query.exploration is not None:
                query = msgspec.structs.replace(query, seed=prediction_id)
            attempts.append(Attempt(position, entry, query, prediction_id, *assign(allocation, query.entity_id)))
    return attempts, failures


def _answer_by_version(attempts: Sequence[Attempt], version: ModelVersion, scorers: ScorerCache) -> list[Answered]:
    scorer = scorers.get_scorer(version)
    if not attempts:
        return []
    answers = answer_by_model(scorer, [attempt.query for attempt in attempts], answered_by="model")
    return [Answered(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True)]
