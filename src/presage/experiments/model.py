"""An experiment: does answering with the model beat answering with the default (or at random)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Variant = Literal["control", "treatment"]
ControlPolicy = Literal["default", "random"]
MetricKind = Literal["conversion", "hit"]
State = Literal[
    "draft",
    "running",
    "paused_srm",
    "concluded_ship",
    "concluded_rollback",
    "concluded_inconclusive",
    "stopped_by_user",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """A binary outcome of a unit, from records of `dataset` in (first exposure, first exposure + window_hours].

    `conversion`: the unit has such a record. `hit`: one whose `item_column` equals an item (or the class) shown to it before.
    """

    name: str
    kind: MetricKind
    dataset: str
    window_hours: int = 72
    item_column: str | None = None


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A metric that must not fall by more than `margin` (absolute, in units of the metric)."""

    metric: Metric
    margin: float


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold before a conclusion is allowed; recorded with the experiment."""

    min_units_per_variant: int = 500
    min_conversions_per_variant: int = 25
    min_days: int = 7
    srm_threshold: float = 0.001
    max_crossover_share: float = 0.01


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """What is decided before the start and frozen by it. `planned_units` (both arms) tunes the confidence sequence."""

    name: str
    model: str
    primary: Metric
    planned_units: int
    control_policy: ControlPolicy = "default"
    treatment_share: float = 0.5
    alpha: float = 0.05
    minimum_effect: float = 0.0
    max_days: int = 90
    guardrails: tuple[Guardrail, ...] = ()
    gates: Gates = field(default_factory=Gates)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan with its state. `salt` makes its assignment independent of every other experiment's."""

    workspace_id: str
    experiment_id: str
    model_id: str
    plan: ExperimentPlan
    salt: str
    state: State
    created_at: datetime
    started_at: datetime | None
    concluded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One exposure: a unit met a variant when its prediction was attempted. `shown` are the items (or the class) answered."""

    workspace_id: str
    experiment_id: str
    prediction_id: str
    unit_id: str
    variant: Variant
    exposed_at: datetime
    model_version: int | None
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VariantCounts:
    """Sufficient statistics of a binary metric in one variant: units whose window is closed, and how many converted."""

    variant: Variant
    units: int
    conversions: int


@dataclass(frozen=True, slots=True)
class Look:
    """One analysis of a running experiment, appended and never changed.

    `detail` holds JSON-able sufficient statistics per metric, the interval (lower, upper, estimate), e-value, SRM p-value,
    gates (name, passed, observed, required), the decision and its reason, and the SQL that was run.
    """

    workspace_id: str
    experiment_id: str
    number: int
    as_of: datetime
    decision: State
    detail: Mapping[str, object]
