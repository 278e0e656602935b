"""The fallback ladder: model → last good version → baseline → the model's default. It always answers, and says who did."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from presage.errors import CorruptArtifactError, PresageError, UnavailableError
from presage.experiments.model import Variant
from presage.predictions.answers import Answer, answer_by_baseline, answer_by_default, answer_by_model
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import Deployment
from presage.predictions.request import Query
from presage.predictions.response import AnsweredBy, FallbackReason
from presage.predictions.scorer import Scorer
from presage.training.model import Model, ModelVersion

_LOG = logging.getLogger(__name__)
AnswerT = TypeVar("AnswerT")


class Climb(msgspec.Struct, frozen=True):
    """The answers of one rung, and why it was not the first one (None if it was)."""

    answers: list[Answer]
    fallback_reason: FallbackReason | None


Rungs = Sequence[tuple[ModelVersion, AnsweredBy]]
"""Versions to try, the wanted one first, and what an answer of each says."""


def climb(deployment: Deployment, queries: Sequence[Query], scorers: ScorerCache, variant: Variant | None = None) -> Climb:
    """Return the answers of the highest rung that holds. Never raises for a version that cannot be loaded or cannot score."""
    rungs = list_rungs(deployment, variant)
    return _climb(rungs, queries, scorers, deployment.model, None if rungs else "no_version")


def reach(
    deployment: Deployment, scorers: ScorerCache, answer: Callable[[Scorer, AnsweredBy], AnswerT], variant: Variant | None = None
) -> tuple[AnswerT | None, FallbackReason | None]:
    """Return what the highest version that can be loaded answers, None if there is none, and why it was not the first one."""
    rungs = list_rungs(deployment, variant)
    return _reach(rungs, scorers, answer, None if rungs else "no_version")


def climb_to_control(deployment: Deployment, queries: Sequence[Query], scorers: ScorerCache) -> Climb:
    """Return the answers of the control's version or, should it fail, of its baseline or the default.

    Never of another version: a control that gets the treatment's answers compares nothing.
    """
    rungs: Rungs = [] if deployment.control is None else [(deployment.control, "previous_version")]
    return _climb(rungs, queries, scorers, deployment.model, None if rungs else "no_version")


def climb_to_popularity(deployment: Deployment, queries: Sequence[Query], scorers: ScorerCache, scorer: Scorer | None) -> Climb:
    """Return the popularity list of the serving version, else of the one before, else the default; `scorer` can check filters."""
    reason: FallbackReason | None = None if deployment.version else "no_version"
    for version, _ in list_rungs(deployment):
        try:
            stored = scorers.read_artifact(version)
            return Climb([answer_by_baseline(stored, query, scorer) for query in queries], reason)
        except (CorruptArtifactError, UnavailableError) as error:
            reason = reason or _name_reason(error)
    return Climb([answer_by_default(deployment.model, query, scorer) for query in queries], reason)


def _climb(rungs: Rungs, queries: Sequence[Query], scorers: ScorerCache, model: Model, reason: FallbackReason | None) -> Climb:
    answers, reason = _reach(rungs, scorers, lambda scorer, answered_by: answer_by_model(scorer, queries, answered_by=answered_by), reason)
    return Climb(_answer_without_model(rungs, queries, scorers, model) if answers is None else answers, reason)


def _reach(
    rungs: Rungs, scorers: ScorerCache, answer: Callable[[Scorer, AnsweredBy], AnswerT], reason: FallbackReason | None
) -> tuple[AnswerT | None, FallbackReason | None]:
    for version, answered_by in rungs:
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


def find_scorer(rungs: Rungs, scorers: ScorerCache) -> Scorer | None:
    """Return the highest version that can be loaded, or None."""
    for version, _ in rungs:
        try:
            return scorers.get_scorer(version)
        except (CorruptArtifactError, UnavailableError):  # said once, by who loaded it
            continue
    return None


def list_rungs(deployment: Deployment, variant: Variant | None = None) -> Rungs:
    """Return the versions that answer for the model or, where there are arms, for one of them: its own and no other arm's."""
    if variant is not None and variant in deployment.arm_versions:
        own = deployment.arm_versions[variant]
        return [] if own is None else [(own, "model")]
    rungs: list[tuple[ModelVersion, AnsweredBy]] = []
    if deployment.version is not None:
        rungs.append((deployment.version, "model"))
    if deployment.previous is not None:
        rungs.append((deployment.previous, "previous_version"))
    return rungs


def _answer_without_model(rungs: Rungs, queries: Sequence[Query], scorers: ScorerCache, model: Model) -> list[Answer]:
    filtered = any(query.narrowing is not None and query.narrowing.filters for query in queries)
    scorer = find_scorer(rungs, scorers) if filtered else None
    for version, _ in rungs:
        try:
            stored = scorers.read_artifact(version)
            return [answer_by_baseline(stored, query, scorer) for query in queries]
        except (CorruptArtifactError, UnavailableError):  # the answers say that it was the default
            continue
    return [answer_by_default(model, query, scorer) for query in queries]


def _name_reason(error: PresageError) -> FallbackReason:
    return "corrupt_artifact" if isinstance(error, CorruptArtifactError) else "version_unavailable"
