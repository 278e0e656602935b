"""The fallback ladder: model → last good version → baseline → the model's default. It always answers, and says who did."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from presage.errors import CorruptArtifactError, PresageError, UnavailableError
from presage.predictions.answers import Answer, answer_by_baseline, answer_by_default, answer_by_model
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import Deployment
from presage.predictions.request import Query
from presage.predictions.response import AnsweredBy, FallbackReason
from presage.predictions.scorer import Scorer
from presage.training.model import ModelVersion

_LOG = logging.getLogger(__name__)
AnswerT = TypeVar("AnswerT")


class Climb(msgspec.Struct, frozen=True):
    """The answers of one rung, and why it was not the first one (None if it was)."""

    answers: list[Answer]
    fallback_reason: FallbackReason | None


def climb(deployment: Deployment, queries: Sequence[Query], scorers: ScorerCache) -> Climb:
    """Return the answers of the highest rung that holds. Never raises for a version that cannot be loaded or cannot score."""
    answers, reason = reach(deployment, scorers, lambda scorer, answered_by: answer_by_model(scorer, queries, answered_by=answered_by))
    return Climb(_answer_without_model(deployment, queries, scorers) if answers is None else answers, reason)


def reach(
    deployment: Deployment, scorers: ScorerCache, answer: Callable[[Scorer, AnsweredBy], AnswerT]
) -> tuple[AnswerT | None, FallbackReason | None]:
    """Return what the highest version that can be loaded answers, None if there is none, and why it was not the first one."""
    reason: FallbackReason | None = None if deployment.version else "no_version"
    for version, answered_by in _list_versions(deployment):
        try:
            scorer = scorers.get_scorer(version)
        except (CorruptArtifactError, UnavailableError) as error:  # said once, by who loaded it
            reason = reason or _name_reason(error)
            continue
        try:
            return answer(scorer, answered_by), reason
        except CorruptArtifactError as error:
            _LOG.warning("version %d of %s cannot answer: %s", version.version, version.model_id, error)
            reason = reason or _name_reason(error)
    return None, reason


def find_scorer(deployment: Deployment, scorers: ScorerCache) -> Scorer | None:
    """Return the highest version that can be loaded, or None."""
    for version, _ in _list_versions(deployment):
        try:
            return scorers.get_scorer(version)
        except (CorruptArtifactError, UnavailableError):  # said once, by who loaded it
            continue
    return None


def _answer_without_model(deployment: Deployment, queries: Sequence[Query], scorers: ScorerCache) -> list[Answer]:
    filtered = any(query.narrowing is not None and query.narrowing.filters for query in queries)
    scorer = find_scorer(deployment, scorers) if filtered else None
    for version, _ in _list_versions(deployment):
        try:
            artifact = scorers.get_artifact(version)
            return [answer_by_baseline(artifact, query, scorer) for query in queries]
        except (CorruptArtifactError, UnavailableError):  # the answers say that it was the default
            continue
    return [answer_by_default(deployment.model, query, scorer) for query in queries]


def _list_versions(deployment: Deployment) -> Iterator[tuple[ModelVersion, AnsweredBy]]:
    if deployment.version is not None:
        yield deployment.version, "model"
    if deployment.previous is not None:
        yield deployment.previous, "previous_version"


def _name_reason(error: PresageError) -> FallbackReason:
    return "corrupt_artifact" if isinstance(error, CorruptArtifactError) else "version_unavailable"
