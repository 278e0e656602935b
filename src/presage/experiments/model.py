"""An experiment: does answering with the model beat answering with the control's policy?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from presage.listing import ListShape

EXPERIMENT_LIST = ListShape("experiment_id", sorts=("created_at", "name", "state"), searched=("name",), filters=("state", "model_id"))
Variant = str
"""The name of an arm, or `CONTROL`."""
CONTROL = "control"
TREATMENT = "treatment"
"""The one arm of a plan without arms."""
VARIANT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")
"""What the warehouse's columns hold."""
ControlPolicy = Literal["default", "random", "previous_version", "popularity"]
Traffic = Literal["model", "default", "popularity"]
MetricKind = Literal["conversion", "hit", "retention", "count", "sum", "mean", "ratio"]
BINARY_KINDS: frozenset[MetricKind] = frozenset({"conversion", "hit", "retention"})
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
class Denominator:
    """What a ratio divides by: the sum of `value_column` of the unit's records in `dataset` or, without one, their number."""

    dataset: str
    value_column: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What a unit did, from its records of `dataset` in (first exposure + start_hours, first exposure + window_hours].

    Binary: `conversion`, the unit has such a record; `hit`, one whose `item_column` equals an item (or the class) shown to it before;
    `retention`, one in a window that opens late, `start_hours` > 0. Valued, averaged over units: `count` of the records, `sum` of their
    `value_column` (0 without records), `mean` of it (over units that have a value). `ratio`: the sum of `value_column` (without one,
    the number of records) of all units over that of `denominator`.
    A unit's count, sum or mean above `cap` is taken for `cap`. With `covariate_hours`, the same count or sum in the hours up to the
    first exposure takes out what was known before (CUPED).
    """

    name: str
    kind: MetricKind
    dataset: str
    window_hours: int = 72
    item_column: str | None = None
    value_column: str | None = None
    cap: float | None = None
    start_hours: int = 0
    denominator: Denominator | None = None
    covariate_hours: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset whose records a metric or a segment reads. `key` is the name that its outcomes have in the warehouse."""

    key: str
    dataset: str
    value_column: str | None
    item_column: str | None


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
class LayerSegment:
    """The part [start, end) of a layer's units. Experiments whose segments of one layer do not overlap share no unit."""

    layer: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TreatmentArm:
    """A treatment: the version that answers it, whatever the alias says, or the one in production; `weight` is its share of the units."""

    name: Variant
    weight: float
    version: int | Literal["production"] = "production"


@dataclass(frozen=True, slots=True)
class UnitSegment:
    """A column of `dataset` by which results tell units apart: each by its newest value up to its first exposure.

    The `most_values` values with the most units are told apart, all others are one group, and units without a value another.
    """

    name: str
    dataset: str
    column: str
    most_values: int = 20


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """What is decided before the start and frozen by it. `planned_units` (of all variants) tunes the confidence sequence.

    The primary metric and the guardrails decide; `secondary` metrics are reported and never do, nor do `segments` of units. With a
    `segment` of a layer, only its units meet the experiment. With `arms`, each is compared with the control, which gets what their
    weights leave; without, there is one, the version in production, whose weight is `treatment_share`.
    """

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
    secondary: tuple[Metric, ...] = ()
    segment: LayerSegment | None = None
    arms: tuple[TreatmentArm, ...] = ()
    segments: tuple[UnitSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """A plan with its state. `salt` makes its assignment independent of every other experiment's.

    Fixed by the start: `control_version`, which answers the control under the policy `previous_version`, and `holdout_share`, the
    workspace's then, whose units are in no variant.
    """

    workspace_id: str
    experiment_id: str
    model_id: str
    plan: ExperimentPlan
    salt: str
    state: State
    created_at: datetime
    started_at: datetime | None
    concluded_at: datetime | None
    control_version: int | None = None
    holdout_share: float = 0.0

    @property
    def name(self) -> str:
        """Return the plan's name, which the workspace has once."""
        return self.plan.name


@dataclass(frozen=True, slots=True)
class Assignment:
    """One exposure: a unit met a variant when its prediction was attempted. `shown` are the items (or the class) answered.

    `allocation_version` is that of the weights by which the variant was drawn.
    """

    workspace_id: str
    experiment_id: str
    prediction_id: str
    unit_id: str
    variant: Variant
    exposed_at: datetime
    model_version: int | None
    shown: tuple[str, ...]
    allocation_version: int = 1


@dataclass(frozen=True, slots=True)
class AssignmentBlock:
    """Exposures that differ in unit, item and id alone: the first one, and of each its unit and the one item that was shown.

    The ids follow from the first one's (`presage.identifiers.derive_uuids`).
    """

    first: Assignment
    unit_ids: list[str]
    shown: list[str]


@dataclass(frozen=True, slots=True)
class ValueMoments:
    """Moments over a variant's units of a metric's value (a ratio's numerator, a mean) and of a second value beside it.

    The second is a ratio's denominator, 1 for units of a `mean` that have a value, the covariate, or 0. `squares` are sums of squared
    deviations from the mean, `products` the sum of both deviations' products: what `presage.stats.moments` merges and compares.
    """

    mean: float
    squares: float
    second_mean: float
    second_squares: float
    products: float


@dataclass(frozen=True, slots=True)
class VariantStatistics:
    """Sufficient statistics of a metric in one variant, over units whose window is closed.

    `conversions` are the units with a value other than 0. `values` is None for binary metrics, of which these two say all.

    Raises:
        ValueError: Not 0 <= conversions <= units.
    """

    units: int
    conversions: int
    values: ValueMoments | None = None

    def __post_init__(self) -> None:
        """Refuse counts that no sample can have."""
        if not 0 <= self.conversions <= self.units:
            raise ValueError(f"conversions must be in [0, units], got {self.conversions} of {self.units}")


@dataclass(frozen=True, slots=True)
class MetricStatistics:
    """Every variant's statistics of a metric, arms in the plan's order. `sql` computes them from what was loaded."""

    control: VariantStatistics
    arms: tuple[VariantStatistics, ...]
    sql: str

    @property
    def treatment(self) -> VariantStatistics:
        """The first arm's, the only one's of most plans."""
        return self.arms[0]


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


def list_arms(plan: ExperimentPlan) -> tuple[TreatmentArm, ...]:
    """Return the treatments in their order; a plan without arms has one, the version in production."""
    return plan.arms or (TreatmentArm(TREATMENT, plan.treatment_share),)


def count_planned_units(plan: ExperimentPlan, place: int) -> float:
    """Return the units that are planned for the comparison of an arm with control."""
    arms = list_arms(plan)
    return plan.planned_units * (1.0 - (sum(arm.weight for arm in arms) - arms[place].weight))


def name_in_arm(plan: ExperimentPlan, arm: Variant, name: str) -> str:
    """Return what a gate or a metric is called where those of all arms stand side by side."""
    return f"{arm}: {name}" if plan.arms else name


def list_sources(metric: Metric) -> tuple[Source, ...]:
    """Return what the metric reads: its own dataset's records, and those of a ratio's denominator."""
    own = Source(metric.name, metric.dataset, metric.value_column, metric.item_column)
    if metric.denominator is None:
        return (own,)
    return own, Source(f"{metric.name}/denominator", metric.denominator.dataset, metric.denominator.value_column, None)
