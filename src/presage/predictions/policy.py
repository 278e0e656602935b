"""Who answers which entry: the model, or what the control's policy or the alias puts in its place."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from presage.errors import CorruptArtifactError
from presage.experiments.assignment import Allocation, place_unit
from presage.experiments.model import CONTROL, Experiment, Variant
from presage.predictions.answers import Answer, add_features, answer_at_random, answer_by_default
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.basis import Answerer
from presage.predictions.ladder import Climb, climb, climb_to_control, climb_to_popularity, find_scorer, list_rungs
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import Deployment
from presage.predictions.scorer import Scorer
from presage.training.model import Model

_LOG = logging.getLogger(__name__)


class Assigned(NamedTuple):
    """A unit's variant, None outside the experiment, and whether that is because it is held out."""

    variant: Variant | None
    held: bool


UNASSIGNED, HELD = Assigned(None, held=False), Assigned(None, held=True)


@lru_cache(maxsize=1024)
def _assign_to(variant: Variant) -> Assigned:
    """Return where the variant's units belong; they are many, and variants are few."""
    return Assigned(variant, held=False)


def assign(allocation: Allocation | None, unit_id: str | None) -> Assigned:
    """Return where the unit belongs; without an experiment or a unit, and outside the experiment's segment, to no variant."""
    if allocation is None or unit_id is None:
        return UNASSIGNED
    place = place_unit(unit_id, allocation)
    if place.arm is not None:
        return _assign_to(place.arm)
    return HELD if place.excluded == "holdout" else UNASSIGNED


def choose_answerer(assigned: Assigned, deployment: Deployment) -> Answerer:
    """Return who answers such a unit: arms the model, control and the holdout its policy, the rest as the alias says."""
    if deployment.experiment is not None and (assigned.held or assigned.variant == CONTROL):
        return deployment.experiment.plan.control_policy
    return deployment.traffic if assigned.variant is None else "model"


def answer_all(attempts: Sequence[Attempt], deployment: Deployment, scorers: ScorerCache) -> list[Answered]:
    """Return every attempt answered: arms by their version, control and the holdout by its policy, the rest as the alias says."""
    groups: dict[tuple[Answerer, Variant | None], list[Attempt]] = {}
    for attempt in attempts:
        answerer = choose_answerer(Assigned(attempt.variant, attempt.held), deployment)
        arm = attempt.variant if attempt.variant in deployment.arm_versions else None
        groups.setdefault((answerer, arm), []).append(attempt)
    answered: list[Answered] = []
    version = 1 if deployment.allocation is None else deployment.allocation.version
    for (answerer, _), group in groups.items():
        reached = _answer(answerer, group, deployment, scorers)
        drawn_in = deployment.experiment.experiment_id if answerer == "random" and deployment.experiment is not None else None
        for attempt, answer in zip(group, reached.answers, strict=True):
            item = Answered(attempt, answer, None, reached.fallback_reason, answerer=answerer, drawn_in=drawn_in)
            if attempt.variant is not None:
                item = msgspec.structs.replace(item, experiment=deployment.experiment, allocation_version=version)
            answered.append(item)
    return answered


def _answer(answerer: Answerer, attempts: Sequence[Attempt], deployment: Deployment, scorers: ScorerCache) -> Climb:
    queries = [attempt.query for attempt in attempts]
    if answerer == "model":
        return climb(deployment, queries, scorers, attempts[0].variant)
    if answerer == "previous_version":
        return climb_to_control(deployment, queries, scorers)
    scorer = find_scorer(list_rungs(deployment), scorers)
    if answerer == "popularity":
        reached = climb_to_popularity(deployment, queries, scorers, scorer)
    elif answerer == "random":
        drawn = (draw_answer(attempt, deployment.model, deployment.experiment, scorer) for attempt in attempts)
        reached = Climb(list(drawn), None)
    else:
        reached = Climb([answer_by_default(deployment.model, query, scorer) for query in queries], None)
    return Climb(
        [look_features_up(answer, attempt, scorer) for answer, attempt in zip(reached.answers, attempts, strict=True)],
        reached.fallback_reason,
    )


def draw_answer(attempt: Attempt, model: Model, experiment: Experiment | None, scorer: Scorer | None) -> Answer:
    """Return what chance answers in the experiment."""
    salt = "" if experiment is None else experiment.salt
    return answer_at_random(model, attempt.query, scorer, seed=f"{salt}\x00{attempt.prediction_id}")


def look_features_up(answer: Answer, attempt: Attempt, scorer: Scorer | None) -> Answer:
    """Return the answer with what the model would have used, if that can be looked up."""
    if scorer is None:
        return answer
    try:
        return add_features(answer, attempt.query, scorer)
    except CorruptArtifactError as error:
        _LOG.warning("answering without features: %s", error)
        return answer
