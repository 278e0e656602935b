"""What a look says of segments: differences with intervals that hold together, however many groups there are.

A plan fixes how many groups there can be, so each group's interval has that part of alpha (Bonferroni), at every look the same. Of the
groups that a look shows, all intervals hold with probability 1 - alpha; while the same ones are shown, at all looks at once. Which values
are shown depends on their units alone and not on what these did.
"""

from __future__ import annotations

from collections.abc import Sequence

from presage.experiments.evidence import Counted, compare, count_units, has_enough
from presage.experiments.model import BINARY_KINDS, ExperimentPlan, MetricKind, VariantStatistics
from presage.experiments.segments import CountedSegment, GroupEvidence, SegmentEvidence, SegmentGroup
from presage.stats.effect import estimate_difference
from presage.stats.inconclusive import Inconclusive
from presage.stats.sequential import Mixture, build_mixture, compute_interval

REST = 2
"""Groups beside a segment's values: all others, and units without one."""


def compute_segments(counted: Sequence[CountedSegment], *, plan: ExperimentPlan) -> tuple[SegmentEvidence, ...]:
    """Return the evidence of all segments of the plan at a look, in its order."""
    evidence = []
    for segment, found in zip(plan.segments, counted, strict=True):
        mixture = build_mixture(alpha=plan.alpha / count_groups(plan), planned_units=plan.planned_units / segment.most_values)
        groups = tuple(_compute_group(group, plan=plan, mixture=mixture) for group in found.statistics.groups)
        evidence.append(SegmentEvidence(segment.name, found.dataset_version, found.loaded_parts, found.statistics.sql, mixture, groups))
    return tuple(evidence)


def count_groups(plan: ExperimentPlan) -> int:
    """Return how many groups the plan's segments can have together."""
    return sum(segment.most_values + REST for segment in plan.segments)


def describe_segments(plan: ExperimentPlan) -> str:
    """Return what whoever reads results by segment has to know, in words."""
    return (
        f"For display: segments decide nothing. Of {count_groups(plan)} groups some differ by chance alone, and who looks for the best one "
        f"finds one. Intervals are as wide as it takes for all of them to hold together (alpha {plan.alpha:g} shared by the groups); "
        "an effect in one group is a reason for an experiment on its units, not a result of this one."
    )


def find_mean(kind: MetricKind, arm: VariantStatistics) -> float | None:
    """Return the metric in a variant, without any covariate taken out; None without units, or with nothing to divide by."""
    if kind in BINARY_KINDS:
        return arm.conversions / arm.units if arm.units else None
    if arm.values is None or not arm.units:
        return None
    if kind in {"mean", "ratio"}:
        return arm.values.mean / arm.values.second_mean if arm.values.second_mean else None
    return arm.values.mean


def _compute_group(group: SegmentGroup, *, plan: ExperimentPlan, mixture: Mixture) -> GroupEvidence:
    counted = Counted(
        metric=plan.primary.name,
        dataset_version=None,
        loaded_parts=0,
        sql="",
        control=group.control,
        treatment=group.treatment,
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
    return GroupEvidence(group.kind, group.value, group.control, group.treatment, estimate, interval, problem)
