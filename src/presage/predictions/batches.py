"""Entries that differ only in whom they ask about, answered together: one look-up, one run of the model, one block of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from presage.identifiers import derive_uuids
from presage.predictions.answers import Answer
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.blocks import Block
from presage.predictions.entry_values import EntryError
from presage.predictions.policy import Assigned, assign, choose_answerer
from presage.predictions.ports import Deployment
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


class Batch(msgspec.Struct, frozen=True):
    """Entries whose units were assigned alike, about now. Either all have an entity, or none has: then `entity_ids` is empty.

    `given` are each entry's raw values; empty if each entry is its id alone.
    """

    assigned: Assigned
    positions: list[int] = []
    entity_ids: list[str] = []
    entries: list[Mapping[str, object]] = []
    given: list[Mapping[str, float]] = []

    def list_attempts(self, now: datetime, new_id: Callable[[], str]) -> list[Attempt]:
        """Return the entries one by one, for who answers them so."""
        rows = len(self.positions)
        entity_ids: Sequence[str | None] = self.entity_ids or [None] * rows
        given = self.given or [NOTHING] * rows
        return [
            Attempt(position, entry, Query(entity_id, now, values), new_id(), *self.assigned)
            for position, entry, entity_id, values in zip(self.positions, self.entries, entity_ids, given, strict=True)
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
    sorting = _Sorting(call, new_id)
    sorting.sort(call.request.features)
    return sorting.finish()


class _Sorting:
    """Puts entries where they belong, one after another."""

    def __init__(self, call: Call, new_id: Callable[[], str]) -> None:
        request, deployment = call.request, call.deployment
        self._call, self._new_id = call, new_id
        self._allocation = deployment.allocation if request.version is None else None
        self._together = not request.explain and deployment.item_columns is None
        self._plain: dict[Assigned, Batch] = {}
        self._others: dict[tuple[Assigned, bool], Batch] = {}
        self._attempts: list[Attempt] = []
        self._failures: dict[int, EntryFailure] = {}

    def sort(self, entries: Sequence[Any]) -> None:
        allocation, together, plain = self._allocation, self._together, self._plain
        for position, entry in enumerate(entries):
            entity_id = find_only_id(entry) if together else None
            if entity_id is None:
                self._check(position, entry)
                continue
            assigned = assign(allocation, entity_id)
            batch = plain.get(assigned)
            if batch is None:
                batch = plain[assigned] = Batch(assigned)
            batch.positions.append(position)
            batch.entity_ids.append(entity_id)
            batch.entries.append(entry)

    def finish(self) -> Entries:
        call, attempts = self._call, self._attempts
        batches: list[Batch] = []
        for batch in (*self._plain.values(), *self._others.values()):
            if call.request.version is not None or choose_answerer(batch.assigned, call.deployment) == "model":
                batches.append(batch)
            else:
                attempts += batch.list_attempts(call.now, self._new_id)
        return Entries(batches, attempts, self._failures)

    def _check(self, position: int, entry: Any) -> None:  # noqa: ANN401 - it is checked here
        call, deployment = self._call, self._call.deployment
        path = f"$.features[{position}]"
        try:
            query = parse_entry(
                entry,
                path=path,
                columns=deployment.columns,
                item_columns=deployment.item_columns,
                now=call.now,
                categories=deployment.categories,
            )
        except EntryError as error:
            self._failures[position] = EntryFailure(EntryFault(error.code, str(error), error.path))
            return
        assigned = assign(self._allocation, query.entity_id)
        if not self._together or query.predicted_for is not call.now:
            self._attempts.append(_attempt(position, entry, query, assigned, self._new_id()))
            return
        batch = self._others.setdefault((assigned, query.entity_id is None), Batch(assigned))
        batch.positions.append(position)
        batch.entries.append(entry)
        batch.given.append(query.values)
        if query.entity_id is not None:
            batch.entity_ids.append(query.entity_id)


def _attempt(position: int, entry: Mapping[str, object], query: Query, assigned: Assigned, prediction_id: str) -> Attempt:
    if query.exploration is not None:
        query = msgspec.structs.replace(query, seed=prediction_id)
    return Attempt(position, entry, query, prediction_id, *assigned)


def score_batch(batch: Batch, scorer: Scorer, answered_by: AnsweredBy, *, now: datetime) -> Columns:
    """Return the model's answers to a batch.

    Raises:
        CorruptArtifactError: The version cannot score.
    """
    probabilities, values, found = scorer.score_rows(batch.entity_ids, batch.given, now)
    return Columns(batch, scorer, answered_by, probabilities, values, found)


def build_answers(columns: Columns, call: Call, first_id: str, *, fallback_reason: FallbackReason | None) -> BatchAnswers:
    """Return what is answered to a batch, and what is written down of it."""
    batch, scorer = columns.batch, columns.scorer
    chosen = scorer.choose(columns.probabilities)
    predictions, listed, found = chosen.predictions, chosen.scores, columns.found.tolist()
    first = _answer_first(columns, call, (first_id, predictions[0], listed[0], found[0]), fallback_reason)
    result = first.build_result()
    block = Block(
        first=first.build_log_entry({}, call.request, call.deployment.model, now=call.now),
        result=_ENCODER.encode(result),
        columns=scorer.column_names,
        entity_ids=batch.entity_ids or None,
        asked=_ENCODER.encode(batch.entries) if batch.given else b"",
        predictions=predictions,
        scores=_to_bytes(np.array(listed)),
        found=columns.found.tobytes(),
        values=_to_bytes(columns.values),
    )
    results = [result]
    if len(predictions) > 1:
        told = found if batch.entity_ids else [UNSET] * len(predictions)
        results = list(map(result.fill, predictions, derive_uuids(first_id, len(predictions)), listed, told))
    if chosen.probabilities:
        results = [
            msgspec.structs.replace(each, probabilities=by_class) for each, by_class in zip(results, chosen.probabilities, strict=True)
        ]
    if call.request.include_features:
        named = map(scorer.name_row, columns.values)
        results = [msgspec.structs.replace(each, features=features) for each, features in zip(results, named, strict=True)]
    return BatchAnswers(results, block)


def _answer_first(
    columns: Columns, call: Call, own: tuple[str, str | float, float, bool], fallback_reason: FallbackReason | None
) -> Answered:
    """Return the first row, answered as a row by itself is: from it the others have all that they share."""
    batch, scorer = columns.batch, columns.scorer
    prediction_id, prediction, score, found = own
    entity_id = batch.entity_ids[0] if batch.entity_ids else None
    age_seconds = (call.now - scorer.snapshot.as_of).total_seconds()
    answer = Answer(
        prediction=prediction,
        answered_by=columns.answered_by,
        model_version=scorer.artifact.version,
        score=score,
        snapshot_age_seconds=age_seconds,
        snapshot_stale=True if age_seconds > scorer.stale_after_seconds else UNSET,
        entity_found=None if entity_id is None else found,
        source=scorer.source,
    )
    attempt = Attempt(batch.positions[0], {}, Query(entity_id, call.now), prediction_id, *batch.assigned)
    deployment = call.deployment
    if batch.assigned.variant is None or deployment.allocation is None:
        return Answered(attempt, answer, None, fallback_reason)
    return Answered(attempt, answer, deployment.experiment, fallback_reason, deployment.allocation.version)


def _to_bytes(numbers: FloatArray) -> bytes:
    return numbers.astype("<f8", copy=False).tobytes()
