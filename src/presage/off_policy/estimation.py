"""From replayed lists and their rewards to estimates. The unit is the entity: what a unit's lists earned hangs together.

Each unit counts once, by the mean over its lists, so the intervals are of as many independent values as there are units. A list is
judged alone, in the circumstances in which it was shown: what other lists before it would have made of the user is not in a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from presage.off_policy.model import Difference, PolicyEstimates, Question, Reference, Undecided, Value
from presage.off_policy.replay import Replayed
from presage.off_policy.reward_model import choose_fold, cross_fit
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive
from presage.stats.off_policy import (
    LoggedActions,
    PolicyValue,
    average_rewards,
    correct_predictions,
    estimate_difference,
    estimate_doubly_robust,
    estimate_ips,
    estimate_logged,
    estimate_snips,
    find_propensity_fault,
)

NOTHING = Undecided("no prediction could be used")


@dataclass(frozen=True, slots=True)
class Estimates:
    """All that a log says."""

    logging: Value | Undecided
    judged: PolicyEstimates
    baseline: PolicyEstimates | None
    difference: Difference


@dataclass(frozen=True, slots=True)
class _Side:
    """One judged version's side of the log. Shape: `predicted` as the log's rewards, `expected` (lists,)."""

    log: LoggedActions
    predicted: Array
    expected: Array


def estimate(question: Question, lists: Sequence[Replayed], rewards: Sequence[tuple[float, ...]]) -> Estimates:
    """Return what the lists say of the judged version, of the baseline if there is one, and of what logged them."""
    versions = [question.version, *([] if question.baseline_version is None else [question.baseline_version])]
    to: Reference = "logging" if question.baseline_version is None else "baseline"
    if not lists:
        nothing = [PolicyEstimates(version, NOTHING, NOTHING, NOTHING) for version in versions]
        return Estimates(NOTHING, nothing[0], nothing[1] if nothing[1:] else None, Difference(to, NOTHING))
    sides = _build_sides(lists, rewards)
    found = [_estimate_policy(version, side, alpha=question.alpha) for version, side in zip(versions, sides, strict=True)]
    return Estimates(
        logging=_describe(estimate_logged(sides[0].log, alpha=question.alpha)),
        judged=found[0],
        baseline=found[1] if found[1:] else None,
        difference=Difference(to, _compare(sides, found, alpha=question.alpha)),
    )


def _build_sides(lists: Sequence[Replayed], rewards: Sequence[tuple[float, ...]]) -> list[_Side]:
    """Return a side for each judged version, all of the same lists in the same order."""
    width = max(len(one.shown) for one in lists)
    showings = [
        [(item, place, reward) for place, (item, reward) in enumerate(zip(one.shown, of_list, strict=True))]
        for one, of_list in zip(lists, rewards, strict=True)
    ]
    models = cross_fit([one.unit_id for one in lists], showings)
    own = [models[choose_fold(one.unit_id)] for one in lists]
    _, units = np.unique([one.unit_id for one in lists], return_inverse=True)
    predicted = _pad([[model.predict(item, place) for item, place, _ in of] for model, of in zip(own, showings, strict=True)], width, 0.0)
    earned = _pad(rewards, width, 0.0)
    propensities = _pad([one.propensities for one in lists], width, 1.0)
    sides = []
    for number in range(len(lists[0].targets)):
        chances = [one.targets[number] for one in lists]
        targets = [[by.compute_probability(item, place) for item, place, _ in of] for by, of in zip(chances, showings, strict=True)]
        lengths = np.array([by.places for by in chances], dtype=np.intp)
        log = LoggedActions(earned, propensities, _pad(targets, width, 0.0), units, lengths)
        sides.append(_Side(log, predicted, np.array([model.expect(by) for model, by in zip(own, chances, strict=True)])))
    return sides


def _pad(rows: Sequence[Sequence[float]], width: int, value: float) -> Array:
    padded = np.full((len(rows), width), value)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = row
    return padded


def _estimate_policy(version: int, side: _Side, *, alpha: float) -> PolicyEstimates:
    fault = find_propensity_fault(side.log)
    if fault is not None:
        undecided = _describe(fault)
        return PolicyEstimates(version, undecided, undecided, undecided)
    robust = estimate_doubly_robust(side.log, predicted=side.predicted, expected=side.expected, alpha=alpha)
    return PolicyEstimates(
        version, _describe(estimate_ips(side.log, alpha=alpha)), _describe(estimate_snips(side.log, alpha=alpha)), _describe(robust)
    )


def _compare(sides: Sequence[_Side], found: Sequence[PolicyEstimates], *, alpha: float) -> Value | Undecided:
    """Return the judged version's mean reward less the baseline's, or else what was earned, where both can be told."""
    undecided = next((one.doubly_robust for one in found if isinstance(one.doubly_robust, Undecided)), None)
    if undecided is not None:
        return undecided
    corrected = [correct_predictions(side.log, predicted=side.predicted, expected=side.expected) for side in sides]
    reference = corrected[1] if corrected[1:] else average_rewards(sides[0].log)
    return _describe(estimate_difference(sides[0].log, judged=corrected[0], reference=reference, alpha=alpha))


def _describe(found: PolicyValue | Inconclusive) -> Value | Undecided:
    if isinstance(found, Inconclusive):
        return Undecided(found.reason)
    estimate, interval = found.estimate, found.interval
    return Value(estimate.value, estimate.standard_error, interval.lower, interval.upper, found.effective_units)
