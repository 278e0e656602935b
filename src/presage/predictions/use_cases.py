"""What the public API does with predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from uuid_utils import uuid7

from presage.predictions.answers import answer_by_model
from presage.predictions.attempt import Answered, Attempt, ask_to_explain
from presage.predictions.batches import Batch, BatchAnswers, Call, build_answers, score_batch, sort_entries
from presage.predictions.blocks import Block
from presage.predictions.catalog import CatalogCache
from presage.predictions.ladder import reach
from presage.predictions.loading import ScorerCache
from presage.predictions.policy import answer_all
from presage.predictions.ports import PredictionJournal, PredictionLog, PredictionLogEntry
from presage.predictions.request import PredictRequest
from presage.predictions.response import EntryFailure, LoggedPrediction, PredictionResult, PredictResponse
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
    call = Call(request, ports.catalog.get_deployment(workspace_id, request.model), now)
    entries = sort_entries(call, new_id=new_id)
    results: dict[int, PredictionResult | EntryFailure] = dict(entries.failures)
    blocks: list[Block] = []
    attempts = entries.attempts
    for batch in entries.batches:
        answers = _answer_batch(batch, call, ports, first_id=new_id())
        if answers is None:
            attempts += batch.list_attempts(now, new_id)
        else:
            blocks.append(answers.block)
            results.update(zip(batch.positions, answers.results, strict=True))
    logged = _answer_one_by_one(attempts, call, ports, results) if attempts or request.explain else []
    if logged or blocks:
        ports.journal.append(logged, blocks)
    return PredictResponse([results[position] for position in range(len(request.features))])


def get_prediction(*, workspace_id: str, prediction_id: str, log: PredictionLog) -> LoggedPrediction:
    """Return what the log holds of an answer, or raise `NotFoundError`, also for another workspace's.

    An answer reaches the log seconds after it was given.
    """
    return msgspec.convert(log.get_prediction(workspace_id, prediction_id), LoggedPrediction, from_attributes=True)


def _answer_batch(batch: Batch, call: Call, ports: PredictionPorts, *, first_id: str) -> BatchAnswers | None:
    """Return the model's answers, or None if no version can give any."""
    request, deployment = call.request, call.deployment
    if request.version is None:
        columns, reason = reach(
            deployment,
            ports.scorers,
            lambda scorer, answered_by: score_batch(batch, scorer, answered_by, now=call.now),
            batch.assigned.variant,
        )
    else:
        scorer = ports.scorers.get_scorer(ports.catalog.get_version(deployment, int(request.version)))
        columns, reason = score_batch(batch, scorer, "model", now=call.now), None
    return None if columns is None else build_answers(columns, call, first_id, fallback_reason=reason)


def _answer_one_by_one(
    attempts: Sequence[Attempt], call: Call, ports: PredictionPorts, results: dict[int, PredictionResult | EntryFailure]
) -> list[PredictionLogEntry]:
    """Add the results of what is in no batch, and return its log entries."""
    request, deployment = call.request, call.deployment
    if request.explain:
        attempts = ask_to_explain(attempts, entries=len(request.features), spec=deployment.model.spec)
    if request.version is None:
        answered = answer_all(attempts, deployment, ports.scorers)
    else:
        answered = _answer_by_version(attempts, ports.catalog.get_version(deployment, int(request.version)), ports.scorers)
    entries: list[PredictionLogEntry] = []
    for item in answered:
        result = item.build_result(explain=request.explain)
        entries.append(item.build_log_entry(msgspec.to_builtins(result), request, deployment.model, now=call.now))
        results[item.attempt.position] = item.add_details(result, request)
    return entries


def _answer_by_version(attempts: Sequence[Attempt], version: ModelVersion, scorers: ScorerCache) -> list[Answered]:
    scorer = scorers.get_scorer(version)
    if not attempts:
        return []
    answers = answer_by_model(scorer, [attempt.query for attempt in attempts], answered_by="model")
    return [Answered(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True)]
