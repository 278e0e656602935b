"""What operators did to an experiment: who, when and why. Events are appended and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.experiments.model import ExperimentPlan

EventKind = Literal["started", "extended", "reweighted", "stopped"]


@dataclass(frozen=True, slots=True)
class ExperimentEvent:
    """One order. `by` is the user's id; `extra_days` and `extra_units` are what an extension adds to the limits.

    `treatment_share` is what a change of weights makes it.
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


@dataclass(frozen=True, slots=True)
class Limits:
    """Where an experiment without a conclusion ends: days since the first exposure, counted units of both arms."""

    max_days: int
    max_units: int


def list_shares(plan: ExperimentPlan, events: Sequence[ExperimentEvent]) -> list[float]:
    """Return the treatment's share under each version of the allocation; version 1, the plan's, first."""
    return [plan.treatment_share, *(event.treatment_share for event in events if event.treatment_share is not None)]


def compute_limits(plan: ExperimentPlan, events: Sequence[ExperimentEvent]) -> Limits:
    """Return the plan's limits with all extensions. What tunes the confidence sequence, `planned_units`, no event changes."""
    return Limits(
        plan.max_days + sum(event.extra_days for event in events),
        plan.planned_units + sum(event.extra_units for event in events),
    )
