"""What a look says of segments: differences with intervals that hold together, however many groups there are.

A plan fixes how many groups there can be and how many arms, so the interval of each arm in each group has that part of alpha (Bonferroni),
at every look the same. Of the groups that a look shows, all intervals hold with probability 1 - alpha; while the same ones are shown, at
all looks at once. Which values are shown depends on their units alone and not on what these did.
"""

from __future__ import annotations

from collections.abc import Sequence

from presage.experiments.evidence import Counted, compare, count_units, has_enough
from presage.experiments.model import (
    BINARY_KINDS,
    ExperimentPlan,
    MetricKind,
    UnitSegment,
    Variant,
    VariantStatistics,
    count_planned_units,
    list_arms,
)
from presage.experiments.segment_evidence import GroupArm, GroupEvidence, SegmentEvidence
from presage.experiments.segments import CountedSegment, SegmentGroup
from presage.stats.effect import estimate_difference
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import Mixture, build_mixture, compute_interval

REST = 2
"""Groups beside a segment's values: all others, and units without one."""


def compute_segments(counted: Sequence[CountedSegment], *, plan: ExperimentPlan) -> tuple[SegmentEvidence, ...]:
    """Return the evidence of all segments of the plan at a look, in its order."""
    evidence = []
    for segment, found in zip(plan.segments, counted, strict=True):
        mixtures = _build_mixtures(plan, segment)
        groups = tuple(_compute_group(group, plan=plan, mixtures=mixtures) for group in found.statistics.groups)
        evidence.append(SegmentEvidence(segment.name, found.dataset_version, found.loaded_parts, found.statistics.sql, mixtures, groups))
    return tuple(evidence)


def count_groups(plan: ExperimentPlan) -> int:
    """Return how many groups the plan's segments can have together."""
    return sum(segment.most_values + REST for segment in plan.segments)


def describe_segments(plan: ExperimentPlan) -> str:
    """Return what whoever reads results by segment has to know, in words."""
    groups, arms = f"{count_groups(plan)} groups", len(list_arms(plan))
    looked_at = f"{count_groups(plan) * arms} differences ({groups}, {arms} arms)" if arms > 1 else groups
    return (
        f"For display: segments decide nothing. Of {looked_at} some differ by chance alone, and who looks for the best one "
        f"finds one. Intervals are as wide as it takes for all of them to hold together (alpha {plan.alpha:g} shared by the groups); "
        "an effect in one group is a reason for an experiment on its units, not a result of this one."
    )


def find_mean(kind: MetricKind, variant: VariantStatistics) -> float | None:
    """Return the metric in a variant, without any covariate taken out; None without units, or with nothing to divide by."""
    if kind in BINARY_KINDS:
        return variant.conversions / variant.units if variant.units else None
    if variant.values is None or not variant.units:
        return None
    if kind in {"mean", "ratio"}:
        return variant.values.mean / variant.values.second_mean if variant.values.second_mean else None
    return variant.values.mean


def _build_mixtures(plan: ExperimentPlan, segment: UnitSegment) -> tuple[Mixture, ...]:
    arms = range(len(list_arms(plan)))
    alpha = plan.alpha / (count_groups(plan) * len(arms))
    return tuple(build_mixture(alpha=alpha, planned_units=count_planned_units(plan, place) / segment.most_values) for place in arms)


def _compute_group(group: SegmentGroup, *, plan: ExperimentPlan, mixtures: Sequence[Mixture]) -> GroupEvidence:
    compared = zip(list_arms(plan), group.arms, mixtures, strict=True)
    arms = tuple(_compare_arm(arm.name, (group.control, found), plan=plan, mixture=mixture) for arm, found, mixture in compared)
    return GroupEvidence(group.kind, group.value, group.control, arms)


def _compare_arm(
    arm: Variant, variants: tuple[VariantStatistics, VariantStatistics], *, plan: ExperimentPlan, mixture: Mixture
) -> GroupArm:
    control, treatment = variants
    counted = Counted(
        metric=plan.primary.name,
        dataset_version=None,
        loaded_parts=0,
        sql="",
        control=control,
        treatment=treatment,
        kind=plan.primary.kind,
        has_covariate=plan.primary.covariate_hours > 0,
    )
    samples, estimate, interval, problem = compare(counted), None, None, None
    if isinstance(samples, Inconclusive):
        problem = samples.reason
    else:
        estimate = estimate_difference(samples)
        if has_enough(counted, plan.gates):
            interval = compute_interval(estimate, mixture, units=count_units(counted))
        else:
            gates = plan.gates
            problem = f"a variant has less than {gates.min_units_per_variant} units or {gates.min_conversions_per_variant} conversions"
    return GroupArm(arm, treatment, estimate, interval, problem)
