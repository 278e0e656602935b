"""What an experiment knows so far, for people: the newest look in front, the looks before it by the page, and what operators did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from presage.experiments.certificate import Action, Found, Role, build_action, build_path, list_evidence, read_detail
from presage.experiments.events import ExperimentEvent, Limits, compute_limits
from presage.experiments.evidence import GateResult, LookDetail, SampleRatio, list_arm_evidence
from presage.experiments.model import ExperimentPlan, Look, State, Variant, VariantStatistics, list_arms, name_in_arm
from presage.experiments.path import PathPoint
from presage.experiments.ports import ExperimentEvents, ExperimentStore
from presage.experiments.segment_comparison import describe_segments, find_mean
from presage.experiments.segment_evidence import GroupEvidence
from presage.experiments.segments import GroupKind
from presage.stats.effect import Estimate
from presage.stats.sequential import Interval

MOST_POINTS = 400
"""More cannot be told apart in a plot."""


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric of one `arm` at one look. `effect` is treatment minus control in the metric's unit; the relative `lift` is for display.

    `interval` holds at all looks, and for all arms, at once; `discovered` says of a secondary metric whether e-BH found an effect.
    `adjusted_p_value` is Holm's of the primary metric, where there are several arms.
    """

    arm: Variant
    role: Role
    metric: str
    control: VariantStatistics
    treatment: VariantStatistics
    effect: Estimate[float] | None
    lift: Estimate[float] | None
    interval: Interval[float] | None
    e_value: float | None
    p_value: float
    adjusted_p_value: float | None
    discovered: bool | None
    inconclusive: str | None


@dataclass(frozen=True, slots=True)
class LookResult:
    """One look: what it counted, by which gates it was decided, why, and which of several arms was `shipped`."""

    number: int
    as_of: datetime
    decision: State
    reason: str
    metrics: tuple[MetricResult, ...]
    sample_ratio: SampleRatio
    gates: tuple[GateResult, ...]
    warnings: tuple[str, ...]
    shipped: Variant | None


@dataclass(frozen=True, slots=True)
class GroupArmResult:
    """The primary metric of one `arm` in one group. The mean is the metric among the arm's units; `effect` is the arm minus control."""

    arm: Variant
    treatment: VariantStatistics
    treatment_mean: float | None
    effect: Estimate[float] | None
    interval: Interval[float] | None
    inconclusive: str | None


@dataclass(frozen=True, slots=True)
class GroupResult:
    """The primary metric in one group of units, arm by arm beside control.

    `kind` tells units of one `value` from those of all `other` values and those with `none`.
    """

    kind: GroupKind
    value: str | None
    control: VariantStatistics
    control_mean: float | None
    arms: tuple[GroupArmResult, ...]


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """The primary metric by one segment of units at the newest look. `warning` says why it decides nothing."""

    segment: str
    warning: str
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """An experiment's state, its newest look, a page of looks (newest first), and all events.

    `action` is where a conclusion moved the traffic. `next` is the number behind which the next page begins, None at the end. `segments`
    are the newest look's.
    """

    experiment_id: str
    name: str
    state: State
    limits: Limits
    latest: LookResult | None
    action: Action | None
    events: tuple[ExperimentEvent, ...]
    looks: tuple[LookResult, ...]
    next: int | None
    segments: tuple[SegmentResult, ...]


@dataclass(frozen=True, slots=True)
class LookPage:
    """Which looks are asked for: the newest `limit` of those numbered below `before`."""

    before: int | None
    limit: int


def read_results(workspace_id: str, experiment_id: str, *, page: LookPage, store: ExperimentStore, events: ExperimentEvents) -> Results:
    """Return an experiment's results.

    Raises:
        NotFoundError: The workspace has no such experiment.
    """
    experiment = store.get_experiment(workspace_id, experiment_id)
    newest = store.list_looks(workspace_id, experiment_id, limit=1)
    found = store.list_looks(workspace_id, experiment_id, before=page.before, limit=page.limit + 1)[::-1]
    looks, happened = found[: page.limit], events.list_events(workspace_id, experiment_id)
    return Results(
        experiment_id=experiment.experiment_id,
        name=experiment.plan.name,
        state=experiment.state,
        limits=compute_limits(experiment.plan, happened),
        latest=build_look_result(experiment.plan, newest[0]) if newest else None,
        action=build_action(experiment, experiment.state, read_detail(newest[0]).shipped if newest else None),
        events=tuple(happened),
        looks=tuple(build_look_result(experiment.plan, look) for look in looks),
        next=looks[-1].number if len(found) > page.limit else None,
        segments=build_segment_results(experiment.plan, newest[0]) if newest else (),
    )


def build_look_result(plan: ExperimentPlan, look: Look) -> LookResult:
    """Return what people want to know of a look."""
    detail = read_detail(look)
    metrics = (_build_metric_result(plan, found, detail) for found in list_evidence(plan, detail))
    return LookResult(
        number=look.number,
        as_of=look.as_of,
        decision=look.decision,
        reason=detail.reason,
        metrics=tuple(metrics),
        sample_ratio=detail.sample_ratio,
        gates=detail.gates,
        warnings=detail.warnings,
        shipped=detail.shipped,
    )


def build_segment_results(plan: ExperimentPlan, look: Look) -> tuple[SegmentResult, ...]:
    """Return the look's results by segments of units."""
    warning = describe_segments(plan)
    return tuple(
        SegmentResult(found.segment, warning, tuple(_build_group_result(plan, group) for group in found.groups))
        for found in read_detail(look).segments
    )


def build_primary_paths(plan: ExperimentPlan, looks: Sequence[Look]) -> dict[Variant, list[PathPoint]]:
    """Return how each arm's primary interval narrowed, in at most `MOST_POINTS` points an arm, the last look's among them."""
    step = -(-len(looks) // MOST_POINTS) or 1
    chosen = list(looks[::-1][::step])[::-1]
    arms = [list_arm_evidence(plan, read_detail(look)) for look in chosen]
    return {arm.name: list(build_path(chosen, [found[place].primary for found in arms])) for place, arm in enumerate(list_arms(plan))}


def describe_path(plan: ExperimentPlan, latest: LookResult | None) -> str:
    """Return what the plot of the primary metric shows, in words."""
    if latest is None:
        return "No look was taken yet."
    begin = f"After look {latest.number}, as of {latest.as_of:%Y-%m-%d %H:%M} UTC"
    effects = [_describe_effect(plan, found) for found in latest.metrics if found.role == "primary"]
    return f"{begin}, {'; '.join(effects)}. {latest.decision.replace('_', ' ').capitalize()}: {latest.reason}."


def _describe_effect(plan: ExperimentPlan, primary: MetricResult) -> str:
    of_arm = f" of arm {primary.arm}" if plan.arms else ""
    if primary.interval is None:
        return f"there is no interval{of_arm} yet: {primary.inconclusive}"
    effect = f"the difference{of_arm} in {plan.primary.name} lies between {primary.interval.lower:+.4g} and {primary.interval.upper:+.4g}"
    return effect + (f" (estimate {primary.effect.value:+.4g})" if primary.effect else "")


def _build_group_result(plan: ExperimentPlan, group: GroupEvidence) -> GroupResult:
    kind = plan.primary.kind
    arms = tuple(
        GroupArmResult(
            arm=found.arm,
            treatment=found.treatment,
            treatment_mean=find_mean(kind, found.treatment),
            effect=found.estimate,
            interval=found.interval,
            inconclusive=found.inconclusive,
        )
        for found in group.arms
    )
    return GroupResult(group.kind, group.value, group.control, find_mean(kind, group.control), arms)


def _build_metric_result(plan: ExperimentPlan, of: Found, detail: LookDetail) -> MetricResult:
    found, adjusted = of.evidence, dict(zip((arm.name for arm in plan.arms), detail.adjusted_p_values, strict=True))
    return MetricResult(
        arm=of.arm,
        role=of.role,
        metric=of.metric,
        control=found.counted.control,
        treatment=found.counted.treatment,
        effect=found.estimate,
        lift=found.relative_lift,
        interval=found.running_interval,
        e_value=found.e_value,
        p_value=found.p_value,
        adjusted_p_value=adjusted.get(of.arm) if of.role == "primary" else None,
        discovered=name_in_arm(plan, of.arm, of.metric) in detail.discoveries if of.role == "secondary" else None,
        inconclusive=found.inconclusive,
    )
