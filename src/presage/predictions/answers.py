"""What is answered to a checked entry, by the model or by what stands in for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from presage.errors import CorruptArtifactError
from presage.predictions.basis import Source, StoredArtifact
from presage.predictions.exploration import shuffle
from presage.predictions.request import Query
from presage.predictions.response import AnsweredBy, Explained, NoExplanation
from presage.predictions.scorer import Scored, Scorer
from presage.training.model import Model

_LOG = logging.getLogger(__name__)
CLASSES = ("0", "1")
"""The classes of a classification label, for when no version is there to name them."""


class Answer(msgspec.Struct, frozen=True):
    """One answer and where it comes from. `features` is the vector that was used, JSON-able; empty if none was.

    `source` is what was asked for feature values, and `baseline_sha256` of the `model.json` whose baseline answered.
    """

    prediction: str | float | tuple[str, ...]
    answered_by: AnsweredBy
    model_version: int | None = None
    score: float | tuple[float, ...] | None = None
    probabilities: Mapping[str, float] | UnsetType = UNSET
    snapshot_age_seconds: float | None = None
    snapshot_stale: Literal[True] | UnsetType = UNSET
    entity_found: bool | None = None
    features: Mapping[str, object] = {}
    explanation: Explained | NoExplanation = "not_by_model"
    propensity: float | tuple[float, ...] | UnsetType = UNSET
    filters_unchecked: Literal[True] | UnsetType = UNSET
    source: Source | None = None
    baseline_sha256: str | None = None


def answer_by_model(scorer: Scorer, queries: Sequence[Query], *, answered_by: AnsweredBy) -> list[Answer]:
    """Return the model's answers, in order.

    Raises:
        CorruptArtifactError: The version cannot score.
    """
    return [_answer_scored(scorer, query, scored, answered_by) for query, scored in zip(queries, scorer.score(queries), strict=True)]


def _answer_scored(scorer: Scorer, query: Query, scored: Scored, answered_by: AnsweredBy) -> Answer:
    ranking = scorer.artifact.spec.kind == "ranking"
    age_seconds = (query.predicted_for - scorer.snapshot.as_of).total_seconds()
    chosen = None if ranking else scorer.choose(scored.probabilities)
    return Answer(
        prediction=scored.items if chosen is None else chosen.predictions[0],
        answered_by=answered_by,
        model_version=scorer.artifact.version,
        score=tuple(scored.probabilities[:, -1].tolist()) if chosen is None else chosen.scores[0],
        probabilities=UNSET if chosen is None or not chosen.probabilities else chosen.probabilities[0],
        snapshot_age_seconds=age_seconds,
        snapshot_stale=True if age_seconds > scorer.stale_after_seconds else UNSET,
        entity_found=None if query.entity_id is None else scored.entity_found,
        features=scorer.describe(scored),
        explanation=_explain(scorer, scored) if query.explain else "not_by_model",
        propensity=UNSET if scored.propensities is None else scored.propensities,
        source=scorer.source,
    )


def _explain(scorer: Scorer, scored: Scored) -> Explained | NoExplanation:
    return scorer.explain(scored) or "more_than_two_classes"


def answer_by_baseline(stored: StoredArtifact, query: Query, scorer: Scorer | None = None) -> Answer:
    """Return the version's model-free answer: its class, or the candidates by popularity; `scorer` can check filters.

    Raises:
        CorruptArtifactError: The version has no baseline.
    """
    artifact = stored.artifact
    if not artifact.baseline:
        raise CorruptArtifactError(f"Version {artifact.version} of {artifact.model_id} has no baseline")
    if artifact.spec.kind != "ranking":
        only = artifact.baseline[0]
        single = float(only) if artifact.spec.kind == "regression" else only
        return Answer(single, "baseline", artifact.version, source=_get_source(scorer), baseline_sha256=stored.sha256)
    answer = Answer((), "baseline", artifact.version, baseline_sha256=stored.sha256)
    return _show(answer, _order(artifact.baseline, query), query, scorer, length=artifact.spec.list_length)


def answer_by_default(model: Model, query: Query, scorer: Scorer | None = None) -> Answer:
    """Return the model's configured default. For a ranking with candidates given, only those, the default's first."""
    if model.spec.kind != "ranking":
        return Answer(_get_single(model), "default", source=_get_source(scorer))
    return _show(Answer((), "default"), _order(_list_default(model), query), query, scorer, length=model.spec.list_length)


def answer_at_random(model: Model, query: Query, scorer: Scorer | None = None, *, seed: str) -> Answer:
    """Return a class, or a list in an order, drawn uniformly; `seed` determines it, and what is shown has its propensity.

    It is drawn from the classes, the candidates given, or the snapshot's (the default's without one). Where nothing is known to draw
    from, a number or a class that only versions know, the default is answered, for sure.
    """
    if model.spec.kind != "ranking":
        classes = scorer.artifact.classes if scorer is not None else CLASSES if model.spec.label.class_column is None else ()
        if not classes or model.spec.kind == "regression":
            return Answer(_get_single(model), "default", propensity=1.0, source=_get_source(scorer))
        return Answer(classes[shuffle(classes, seed=seed)[0]], "random", propensity=1 / len(classes), source=_get_source(scorer))
    choices = query.candidates or (_list_default(model) if scorer is None else scorer.snapshot.candidates)
    allowed, unchecked = _narrow(choices, query, scorer)
    drawn = tuple(allowed[position] for position in shuffle(allowed, seed=seed)[: model.spec.list_length])
    propensity = tuple(1 / len(allowed) for _ in drawn)
    return Answer(drawn, "random", propensity=propensity, filters_unchecked=unchecked, source=_get_source(scorer))


def add_features(answer: Answer, query: Query, scorer: Scorer) -> Answer:
    """Return an answer that the model did not give, with the feature values that the model would have used."""
    shown = answer.prediction if isinstance(answer.prediction, tuple) else ()
    return msgspec.structs.replace(answer, features=scorer.look_up(query, shown))


def _order(preferred: tuple[str, ...], query: Query) -> tuple[str, ...]:
    if query.candidates is None:
        return preferred
    allowed = set(query.candidates)
    first = [item for item in preferred if item in allowed]
    return tuple(first + sorted(allowed.difference(first)))


def _show(answer: Answer, ordered: tuple[str, ...], query: Query, scorer: Scorer | None, *, length: int) -> Answer:
    """Return the answer with what it may show of a list that chance has no part in."""
    allowed, unchecked = _narrow(ordered, query, scorer)
    shown = allowed[:length]
    propensity = UNSET if query.exploration is None else (1.0,) * len(shown)
    return msgspec.structs.replace(answer, prediction=shown, propensity=propensity, filters_unchecked=unchecked, source=_get_source(scorer))


def _narrow(items: tuple[str, ...], query: Query, scorer: Scorer | None) -> tuple[tuple[str, ...], Literal[True] | UnsetType]:
    """Return the items that the query leaves, and whether its filters could not be checked: then none is left."""
    if query.narrowing is None:
        return items, UNSET
    if not query.narrowing.filters:
        return query.narrowing.exclude(items), UNSET
    try:
        return ((), True) if scorer is None else (scorer.filter_items(items, query), UNSET)
    except CorruptArtifactError as error:
        _LOG.warning("filters cannot be checked: %s", error)
        return (), True


def _get_source(scorer: Scorer | None) -> Source | None:
    return None if scorer is None else scorer.source


def _get_single(model: Model) -> str | float:
    return model.default[0] if isinstance(model.default, tuple) else model.default


def _list_default(model: Model) -> tuple[str, ...]:
    return model.default if isinstance(model.default, tuple) else (str(model.default),)
