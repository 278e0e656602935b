"""From what was counted to a decision: the part of a look that the hourly analysis and a later verification have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from presage.experiments.decision import Evidence, decide, list_losing
from presage.experiments.events import ExperimentEvent, compute_limits, list_weights
from presage.experiments.evidence import (
    ArmEvidence,
    Counted,
    Exposures,
    LookDetail,
    MetricEvidence,
    build_plan_mixture,
    compute_metric_evidence,
    compute_sample_ratio,
    find_discoveries,
    find_period,
    list_arm_evidence,
)
from presage.experiments.fingerprint import Fingerprint, add_fingerprints
from presage.experiments.model import Experiment, ExperimentPlan, Metric, MetricStatistics, State, list_arms, name_in_arm
from presage.experiments.ports import ExposureCounts, WarehouseLedger
from presage.experiments.segment_comparison import compute_segments
from presage.experiments.segments import CountedSegment
from presage.stats.multiplicity import adjust_by_holm
from presage.stats.sequential import Period

DETAIL_SCHEMA = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """What the warehouse says at a look: every metric in the order of `list_metrics`, of each arm, the exposures, and the rows behind.

    `segments` are in the plan's order.
    """

    counted: Sequence[Sequence[Counted]]
    exposures: Exposures
    data: tuple[Fingerprint, ...]
    loaded_until: datetime | None
    segments: Sequence[CountedSegment] = ()


def build_counted(
    metric: Metric, found: MetricStatistics, *, dataset_version: int | None, loaded_parts: int, denominator_version: int | None
) -> tuple[Counted, ...]:
    """Return a metric of each arm, as the warehouse counted it."""
    return tuple(
        Counted(
            metric=metric.name,
            dataset_version=dataset_version,
            loaded_parts=loaded_parts,
            sql="" if place else found.sql,
            control=found.control,
            treatment=treatment,
            kind=metric.kind,
            has_covariate=metric.covariate_hours > 0,
            denominator_version=denominator_version,
        )
        for place, treatment in enumerate(found.arms)
    )


def observe(
    experiment: Experiment,
    counted: Sequence[Sequence[Counted]],
    exposures: Exposures,
    *,
    history: Sequence[LookDetail],
    loaded_until: datetime | None,
    ledger: WarehouseLedger,
) -> Observation:
    """Return the observation of a look, for which all is counted already; `history` are the details of all earlier looks.

    Raises:
        UnavailableError: The warehouse did not answer.
    """
    known, since = (history[-1].data, history[-1].loaded_until) if history else ((), None)
    added = ledger.read_fingerprints(experiment, after=since, until=loaded_until)
    return Observation(counted, exposures, add_fingerprints(known, added), loaded_until)


def build_exposures(counts: ExposureCounts, *, as_of: datetime) -> Exposures:
    """Return a look's exposures, with the whole days since the first."""
    rows, units, crossovers, first = counts
    return Exposures(rows, units, crossovers, first, max(0, (as_of - first) // timedelta(days=1)) if first else 0)


def conclude(
    experiment: Experiment, observation: Observation, *, history: Sequence[LookDetail], events: Sequence[ExperimentEvent]
) -> tuple[LookDetail, State]:
    """Return the look's detail and the state to be in after it; `events` are all that the look knows of."""
    plan, weights = experiment.plan, list_weights(experiment.plan, events)
    arms = _weigh_arms(plan, observation, history=history, allocation_version=len(weights))
    before = [past for past in history if past.allocation_version < len(weights)]
    primary = observation.counted[0]
    ratio = compute_sample_ratio(
        (primary[0].control.units, *(one.treatment.units for one in primary)),
        weights=weights[-1],
        history=[past.sample_ratio for past in history],
        earlier=before[-1].sample_ratio if before else None,
    )
    limits = compute_limits(plan, events)
    decision = decide(plan, Evidence(observation.exposures, arms, ratio), limits)
    first, *further = arms
    secondary = {name_in_arm(plan, arm.arm, one.counted.metric): one for arm in arms for one in arm.secondary}
    detail = LookDetail(
        schema=DETAIL_SCHEMA,
        exposures=observation.exposures,
        mixture=first.mixture,
        primary=first.primary,
        guardrails=first.guardrails,
        sample_ratio=ratio,
        gates=decision.gates,
        warnings=(*_list_warnings(plan, observation.exposures), *_list_losses(plan, arms)),
        reason=decision.reason,
        secondary=first.secondary,
        discoveries=find_discoveries(secondary, alpha=plan.alpha),
    )
    kept = replace(
        detail,
        limits=limits,
        events=len(events),
        loaded_until=observation.loaded_until,
        data=observation.data,
        allocation_version=len(weights),
        further_arms=tuple(further),
        adjusted_p_values=tuple(adjust_by_holm([arm.primary.p_value for arm in arms])) if plan.arms else (),
        shipped=decision.arm if plan.arms else None,
        segments=compute_segments(observation.segments, plan=plan),
    )
    return kept, decision.state


def _weigh_arms(
    plan: ExperimentPlan, observation: Observation, *, history: Sequence[LookDetail], allocation_version: int
) -> list[ArmEvidence]:
    """Return each arm's evidence at this look."""
    weighed = []
    for place, arm in enumerate(list_arms(plan)):
        mixture = build_plan_mixture(plan, place)
        pasts = [list_arm_evidence(plan, detail)[place] for detail in history]
        versions = [detail.allocation_version for detail in history]
        before = [[past for past, met in zip(pasts, versions, strict=True) if met == version] for version in range(1, allocation_version)]
        found = [
            compute_metric_evidence(
                of_arms[place],
                plan=plan,
                mixture=mixture,
                history=[_list_metrics(past)[index] for past in pasts],
                earlier=_find_periods(before, index),
            )
            for index, of_arms in enumerate(observation.counted)
        ]
        guarded = 1 + len(plan.guardrails)
        weighed.append(ArmEvidence(arm.name, mixture, found[0], tuple(found[1:guarded]), tuple(found[guarded:])))
    return weighed


def _find_periods(versions: Sequence[Sequence[ArmEvidence]], index: int) -> list[Period]:
    """Return what the looks of each version of the allocation came to for an arm's metric."""
    found = (find_period([_list_metrics(past)[index] for past in pasts]) for pasts in versions)
    return [period for period in found if period is not None]


def _list_metrics(arm: ArmEvidence) -> tuple[MetricEvidence, ...]:
    """Return an arm's evidence in the order of `list_metrics`."""
    return arm.primary, *arm.guardrails, *arm.secondary


def _list_warnings(plan: ExperimentPlan, exposures: Exposures) -> tuple[str, ...]:
    if exposures.crossovers <= plan.gates.max_crossover_share * exposures.units:
        return ()
    met = "more than one variant" if plan.arms else "both variants"
    return (f"{exposures.crossovers} of {exposures.units} units met {met} and are excluded",)


def _list_losses(plan: ExperimentPlan, arms: Sequence[ArmEvidence]) -> tuple[str, ...]:
    """Return which of several arms do worse than control, and keep their weight unless somebody changes it."""
    return tuple(f"arm {arm.arm} does worse than control and keeps its weight" for arm in list_losing(plan, arms) if len(arms) > 1)
