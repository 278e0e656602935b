"""Entries that differ only in whom they ask about, answered together: one look-up, one run of the model, one block of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import numpy as np
from msgspec import UNSET

from presage.experiments.model import Variant
from presage.predictions.answers import Answer
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.blocks import Block, derive_ids
from presage.predictions.entry_values import EntryError
from presage.predictions.ports import Deployment
from presage.predictions.policy import assign, wants_model
from presage.predictions.request import PredictRequest, Query, find_only_id, parse_entry
from presage.predictions.response import AnsweredBy, EntryFailure, EntryFault, FallbackReason, PredictionResult
from presage.predictions.scorer import BoolArray, Scorer
from presage.predictions.snapshot import FloatArray

NOTHING: Mapping[str, float] = {}
_ENCODER = msgspec.json.Encoder()


class Call(msgspec.Struct, frozen=True):
    """What the answers of a call have in common."""

    request: PredictRequest
    deployment: Deployment
    now: datetime


class Row(msgspec.Struct, frozen=True, gc=False):
    """One checked entry about now: its place in the call, whom it asks about, what it says, and the raw values in that."""

    position: int
    entity_id: str | None
    entry: Mapping[str, object]
    given: Mapping[str, float] = NOTHING


class Batch(msgspec.Struct, frozen=True):
    """Rows of one variant that the model is to answer. Either all have an entity, or none has."""

    variant: Variant | None
    rows: list[Row]

    @property
    def entity_ids(self) -> list[str] | None:
        """Return whom the rows ask about."""
        found = [row.entity_id for row in self.rows if row.entity_id is not None]
        return found or None

    def list_attempts(self, now: datetime, new_id: Callable[[], str]) -> list[Attempt]:
        """Return the rows one by one, for who answers them so."""
        return [
            Attempt(row.position, row.entry, Query(row.entity_id, now, row.given), new_id(), self.variant)
            for row in self.rows
        ]


class Columns(msgspec.Struct, frozen=True):
    """A batch, scored. Shape: `probabilities` (rows, classes), `values` (rows, columns), `found` (rows,)."""

    batch: Batch
    scorer: Scorer
    answered_by: AnsweredBy
    probabilities: FloatArray
    values: FloatArray
    found: BoolArray


class Entries(msgspec.Struct, frozen=True):
    """A call's entries, checked: those that go together, those that go one by one, and what was wrong with the others."""

    batches: list[Batch]
    attempts: list[Attempt]
    failures: dict[int, EntryFailure]


class BatchAnswers(msgspec.Struct, frozen=True):
    """The answers to a batch's rows in their order, and the same as a block of the log."""

    results: list[PredictionResult]
    block: Block


def sort_entries(call: Call, *, new_id: Callable[[], str]) -> Entries:
    """Return the call's entries by how they are to be answered.

    In batches go those that the model is to answer as of now, unless it ranks or is to be explained.
    """
    request, deployment = call.request, call.deployment
    experiment = deployment.assigning if request.version is None else None
    together = not request.explain and deployment.item_columns is None
    batches: dict[tuple[Variant | None, bool], Batch] = {}
    attempts: list[Attempt] = []
    failures: dict[int, EntryFailure] = {}
    for position, entry in enumerate(request.features):
        entity_id, query = find_only_id(entry), None
        if entity_id is None or not together:
            try:
                query = _parse(position, entry, call)
            except EntryError as error:
                failures[position] = EntryFailure(EntryFault(error.code, str(error), error.path))
                continue
            entity_id = query.entity_id
        variant = assign(experiment, entity_id)
        if together and (request.version is not None or wants_model(variant, deployment)) and (query is None or query.predicted_for is call.now):
            key = variant, entity_id is None
            batch = batches.get(key) or batches.setdefault(key, Batch(variant, []))
            batch.rows.append(Row(position, entity_id, entry, NOTHING if query is None else query.values))
        else:
            attempts.append(_attempt(position, entry, query or Query(entity_id, call.now), variant, new_id()))
    return Entries(list(batches.values()), attempts, failures)


def _parse(position: int, entry: object, call: Call) -> Query:
    deployment = call.deployment
    return parse_entry(
        entry, path=f"$.features[{position}]", columns=deployment.columns, item_columns=deployment.item_columns, now=call.now
    )


def _attempt(position: int, entry: Mapping[str, object], query: Query, variant: Variant | None, prediction_id: str) -> Attempt:
    if query.exploration is not None:
        query = msgspec.structs.replace(query, seed=prediction_id)
    return Attempt(position, entry, query, prediction_id, variant)


def score_batch(batch: Batch, scorer: Scorer, answered_by: AnsweredBy, *, now: datetime) -> Columns:
    """Return the model's answers to a batch.

    Raises:
        CorruptArtifactError: The version cannot score.
    """
    probabilities, values, found = scorer.score_rows(batch.entity_ids, [row.given for row in batch.rows], now)
    return Columns(batch, scorer, answered_by, probabilities, values, found)


def build_answers(
    columns: Columns, call: Call, first_id: str, *, fallback_reason: FallbackReason | None
) -> BatchAnswers:
    """Return what is answered to a batch, and what is written down of it."""
    batch, scorer = columns.batch, columns.scorer
    classes, scores = scorer.artifact.classes, columns.probabilities[:, -1]
    predictions = tuple([classes[winner] for winner in columns.probabilities.argmax(axis=1).tolist()])
    entity_ids, rows = batch.entity_ids, batch.rows
    listed = scores.tolist()
    age_seconds = (call.now - scorer.snapshot.as_of).total_seconds()
    answer = Answer(
        prediction=predictions[0],
        answered_by=columns.answered_by,
        model_version=scorer.artifact.version,
        score=listed[0],
        snapshot_age_seconds=age_seconds,
        snapshot_stale=True if age_seconds > scorer.stale_after_seconds else UNSET,
        entity_found=None if entity_ids is None else columns.found.item(0),
    )
    attempt = Attempt(rows[0].position, {}, Query(rows[0].entity_id, call.now), first_id, batch.variant)
    experiment = None if batch.variant is None else call.deployment.experiment
    first = Answered(attempt, answer, experiment, fallback_reason)
    result = first.build_result()
    block = Block(
        first=first.build_log_entry(result, call.request, call.deployment.model, now=call.now),
        columns=scorer.artifact.columns,
        entity_ids=None if entity_ids is None else tuple(entity_ids),
        asked=b"" if entity_ids and all(len(row.entry) == 1 for row in rows) else _ENCODER.encode([row.entry for row in rows]),
        predictions=predictions,
        scores=_to_bytes(scores),
        found=columns.found.tobytes(),
        values=_to_bytes(columns.values),
    )
    results = [result]
    if len(rows) > 1:
        found = [UNSET] * len(rows) if entity_ids is None else columns.found.tolist()
        results = list(map(result.fill, predictions, derive_ids(first_id, len(rows)), listed, found))
    if call.request.include_features:
        named = map(scorer.name_row, columns.values)
        results = [msgspec.structs.replace(each, features=features) for each, features in zip(results, named, strict=True)]
    return BatchAnswers(results, block)


def _to_bytes(numbers: FloatArray) -> bytes:
    return numbers.astype("<f8", copy=False).tobytes()
