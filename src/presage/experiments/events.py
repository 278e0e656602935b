"""What operators did to an experiment: who, when and why. Events are appended and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.experiments.model import ExperimentPlan, list_arms

EventKind = Literal["started", "extended", "reweighted", "stopped"]
Weights = tuple[float, ...]
"""Each arm's share of the units, in the plan's order; control has the rest."""


@dataclass(frozen=True, slots=True)
class ExperimentEvent:
    """One order. `by` is the user's id; `extra_days` and `extra_units` are what an extension adds to the limits.

    `treatment_share`, or in a plan with arms each one's weight in `arm_weights`, is what a change of weights makes it.
    """

    workspace_id: str
    experiment_id: str
    number: int
    kind: EventKind
    at: datetime
    by: str
    reason: str
    extra_days: int = 0
    extra_units: int = 0
    treatment_share: float | None = None
    arm_weights: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Where an experiment without a conclusion ends: days since the first exposure, counted units of all variants."""

    max_days: int
    max_units: int


def list_weights(plan: ExperimentPlan, events: Sequence[ExperimentEvent]) -> list[Weights]:
    """Return the arms' weights under each version of the allocation; version 1, the plan's, first."""
    changes = (read_weights(event.treatment_share, event.arm_weights) for event in events)
    return [tuple(arm.weight for arm in list_arms(plan)), *(weights for weights in changes if weights is not None)]


def read_weights(treatment_share: float | None, arm_weights: Sequence[float] | None) -> Weights | None:
    """Return what an event makes the arms' weights, or None if it is no change of weights."""
    if arm_weights is not None:
        return tuple(arm_weights)
    return None if treatment_share is None else (treatment_share,)


def compute_limits(plan: ExperimentPlan, events: Sequence[ExperimentEvent]) -> Limits:
    """Return the plan's limits with all extensions. What tunes the confidence sequence, `planned_units`, no event changes."""
    return Limits(
        plan.max_days + sum(event.extra_days for event in events),
        plan.planned_units + sum(event.extra_units for event in events),
    )
