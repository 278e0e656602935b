"""Who answers which entry: the model, or the default or chance in its place."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from presage.errors import CorruptArtifactError
from presage.experiments.assignment import assign_variant
from presage.experiments.model import Experiment, Variant
from presage.predictions.answers import Answer, add_features, answer_at_random, answer_by_default
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.ladder import climb, find_scorer
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import Deployment
from presage.predictions.scorer import Scorer

_LOG = logging.getLogger(__name__)


def assign(experiment: Experiment | None, unit_id: str | None) -> Variant | None:
    """Return the unit's variant, or None without an experiment or a unit."""
    if experiment is None or unit_id is None:
        return None
    return assign_variant(salt=experiment.salt, unit_id=unit_id, treatment_share=experiment.plan.treatment_share)


def wants_model(variant: Variant | None, deployment: Deployment) -> bool:
    """Return whether the model answers a unit of that variant, or of none."""
    return deployment.model_has_traffic if variant is None else variant == "treatment"


def answer_all(attempts: Sequence[Attempt], deployment: Deployment, scorers: ScorerCache) -> list[Answered]:
    """Return every attempt answered: treatment by the model, control by its policy, the rest as the alias's traffic says."""
    by_model: list[Attempt] = []
    others: list[Attempt] = []
    for attempt in attempts:
        (by_model if wants_model(attempt.variant, deployment) else others).append(attempt)
    return _answer_by_model(by_model, deployment, scorers) + _answer_otherwise(others, deployment, scorers)


def _answer_by_model(attempts: Sequence[Attempt], deployment: Deployment, scorers: ScorerCache) -> list[Answered]:
    if not attempts:
        return []
    reached = climb(deployment, [attempt.query for attempt in attempts], scorers)
    return [
        Answered(attempt, answer, _experiment_of(attempt, deployment), reached.fallback_reason)
        for attempt, answer in zip(attempts, reached.answers, strict=True)
    ]


def _answer_otherwise(attempts: Sequence[Attempt], deployment: Deployment, scorers: ScorerCache) -> list[Answered]:
    if not attempts:
        return []
    scorer = find_scorer(deployment, scorers)
    return [Answered(attempt, _replace_model(attempt, deployment, scorer), _experiment_of(attempt, deployment)) for attempt in attempts]


def _replace_model(attempt: Attempt, deployment: Deployment, scorer: Scorer | None) -> Answer:
    model, query = deployment.model, attempt.query
    experiment = _experiment_of(attempt, deployment)
    if experiment is not None and experiment.plan.control_policy == "random":
        seed = f"{experiment.salt}\x00{attempt.prediction_id}"
        answer = answer_at_random(model, query, scorer, seed=seed)
    else:
        answer = answer_by_default(model, query, scorer)
    if scorer is None:
        return answer
    try:
        return add_features(answer, query, scorer)
    except CorruptArtifactError as error:
        _LOG.warning("answering without features: %s", error)
        return answer


def _experiment_of(attempt: Attempt, deployment: Deployment) -> Experiment | None:
    return deployment.experiment if attempt.variant is not None else None
