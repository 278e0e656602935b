"""What is answered to a checked entry, by the model or by what stands in for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from presage.errors import CorruptArtifactError
from presage.predictions.request import Query
from presage.predictions.response import AnsweredBy, Explained, NoExplanation
from presage.predictions.scorer import Scored, Scorer
from presage.training.artifact import ModelArtifact
from presage.training.model import Model

CLASSES = ("0", "1")
"""The classes of a classification label, for when no version is there to name them."""


class Answer(msgspec.Struct, frozen=True):
    """One answer and where it comes from. `features` is the vector that was used, JSON-able; empty if none was."""

    prediction: str | tuple[str, ...]
    answered_by: AnsweredBy
    model_version: int | None = None
    score: float | tuple[float, ...] | None = None
    snapshot_age_seconds: float | None = None
    entity_found: bool | None = None
    features: Mapping[str, object] = {}
    explanation: Explained | NoExplanation = "not_by_model"


def answer_by_model(scorer: Scorer, queries: Sequence[Query], *, answered_by: AnsweredBy) -> list[Answer]:
    """Return the model's answers, in order.

    Raises:
        CorruptArtifactError: The version cannot score.
    """
    return [_answer_scored(scorer, query, scored, answered_by) for query, scored in zip(queries, scorer.score(queries), strict=True)]


def _answer_scored(scorer: Scorer, query: Query, scored: Scored, answered_by: AnsweredBy) -> Answer:
    ranking = scorer.artifact.spec.kind == "ranking"
    scores = (scored.probabilities[:, -1] if ranking else scored.probabilities[0]).tolist()
    return Answer(
        prediction=scored.items if ranking else scorer.artifact.classes[scores.index(max(scores))],
        answered_by=answered_by,
        model_version=scorer.artifact.version,
        score=tuple(scores) if ranking else scores[-1],
        snapshot_age_seconds=(query.predicted_for - scorer.snapshot.as_of).total_seconds(),
        entity_found=None if query.entity_id is None else scored.entity_found,
        features=scorer.describe(scored),
        explanation=_explain(scorer, scored) if query.explain else "not_by_model",
    )


def _explain(scorer: Scorer, scored: Scored) -> Explained | NoExplanation:
    return scorer.explain(scored) or "more_than_two_classes"


def answer_by_baseline(artifact: ModelArtifact, query: Query) -> Answer:
    """Return the version's model-free answer: its class, or the candidates by popularity.

    Raises:
        CorruptArtifactError: The version has no baseline.
    """
    if not artifact.baseline:
        raise CorruptArtifactError(f"Version {artifact.version} of {artifact.model_id} has no baseline")
    if artifact.spec.kind != "ranking":
        return Answer(artifact.baseline[0], "baseline", artifact.version)
    return Answer(_order(artifact.baseline, query, artifact.spec.list_length), "baseline", artifact.version)


def answer_by_default(model: Model, query: Query) -> Answer:
    """Return the model's configured default. For a ranking with candidates given, only those, the default's first."""
    if model.spec.kind != "ranking":
        return Answer(_as_class(model), "default")
    return Answer(_order(tuple(model.default), query, model.spec.list_length), "default")


def answer_at_random(model: Model, query: Query, *, choices: Sequence[str], seed: str) -> Answer:
    """Return a class, or a list in an order, drawn uniformly from `choices` (or the candidates given); `seed` determines it."""
    drawn = sorted(query.candidates or choices, key=lambda choice: sha256(f"{seed}\x00{choice}".encode()).digest())
    if model.spec.kind != "ranking":
        return Answer(drawn[0], "random")
    return Answer(tuple(drawn[: model.spec.list_length]), "random")


def add_features(answer: Answer, query: Query, scorer: Scorer) -> Answer:
    """Return an answer that the model did not give, with the feature values that the model would have used."""
    shown = answer.prediction if isinstance(answer.prediction, tuple) else ()
    return msgspec.structs.replace(answer, features=scorer.look_up(query, shown))


def list_choices(model: Model, scorer: Scorer | None) -> tuple[str, ...]:
    """Return what a random answer is drawn from: the classes, or the snapshot's candidates (the default list without one)."""
    if model.spec.kind != "ranking":
        return CLASSES if scorer is None else scorer.artifact.classes
    return tuple(model.default) if scorer is None else scorer.snapshot.candidates


def _order(preferred: tuple[str, ...], query: Query, length: int) -> tuple[str, ...]:
    if query.candidates is None:
        return preferred[:length]
    allowed = set(query.candidates)
    first = [item for item in preferred if item in allowed]
    return tuple(first + sorted(allowed.difference(first)))[:length]


def _as_class(model: Model) -> str:
    return model.default if isinstance(model.default, str) else model.default[0]
