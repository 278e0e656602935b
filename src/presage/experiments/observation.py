"""From what was counted to a decision: the part of a look that the hourly analysis and a later verification have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from presage.experiments.decision import Evidence, decide
from presage.experiments.events import ExperimentEvent, compute_limits, list_shares
from presage.experiments.evidence import (
    Counted,
    Exposures,
    LookDetail,
    MetricEvidence,
    build_plan_mixture,
    compute_metric_evidence,
    compute_sample_ratio,
    find_discoveries,
    find_period,
)
from presage.experiments.fingerprint import Fingerprint, add_fingerprints
from presage.experiments.model import Experiment, ExperimentPlan, State
from presage.experiments.plan import list_metrics
from presage.experiments.ports import ExposureCounts, WarehouseLedger
from presage.experiments.segment_evidence import compute_segments
from presage.experiments.segments import CountedSegment
from presage.stats.sequential import Period

DETAIL_SCHEMA = 3


@dataclass(frozen=True, slots=True)
class Observation:
    """What the warehouse says at a look: every metric in the order of `list_metrics`, the exposures, and the rows behind them.

    `segments` are in the plan's order.
    """

    counted: Sequence[Counted]
    exposures: Exposures
    data: tuple[Fingerprint, ...]
    loaded_until: datetime | None
    segments: Sequence[CountedSegment] = ()


def observe(
    experiment: Experiment,
    counted: Sequence[Counted],
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
    plan, mixture = experiment.plan, build_plan_mixture(experiment.plan)
    shares = list_shares(plan, events)
    before = [past for past in history if past.allocation_version < len(shares)]
    primary, *others = (
        compute_metric_evidence(one, plan=plan, mixture=mixture, history=past, earlier=earlier)
        for one, past, earlier in zip(observation.counted, _split_history(plan, history), _find_periods(plan, before), strict=True)
    )
    guardrails, secondary = tuple(others[: len(plan.guardrails)]), tuple(others[len(plan.guardrails) :])
    ratio = compute_sample_ratio(
        observation.counted[0],
        treatment_share=shares[-1],
        history=[past.sample_ratio for past in history],
        earlier=before[-1].sample_ratio if before else None,
    )
    limits = compute_limits(plan, events)
    decision = decide(plan, Evidence(observation.exposures, primary, guardrails, ratio), limits)
    detail = LookDetail(
        schema=DETAIL_SCHEMA,
        exposures=observation.exposures,
        mixture=mixture,
        primary=primary,
        guardrails=guardrails,
        sample_ratio=ratio,
        gates=decision.gates,
        warnings=_list_warnings(plan, observation.exposures),
        reason=decision.reason,
        secondary=secondary,
        discoveries=find_discoveries(secondary, alpha=plan.alpha),
    )
    kept = replace(
        detail,
        limits=limits,
        events=len(events),
        loaded_until=observation.loaded_until,
        data=observation.data,
        allocation_version=len(shares),
        segments=compute_segments(observation.segments, plan=plan),
    )
    return kept, decision.state


def _find_periods(plan: ExperimentPlan, history: Sequence[LookDetail]) -> list[list[Period]]:
    """Return what each version of the allocation but the newest came to, for each metric in the order of `list_metrics`."""
    versions = sorted({past.allocation_version for past in history})
    ended = [_split_history(plan, [past for past in history if past.allocation_version == version]) for version in versions]
    metrics = len(list_metrics(plan))
    return [[period for pasts in ended if (period := find_period(pasts[place])) is not None] for place in range(metrics)]


def _split_history(plan: ExperimentPlan, history: Sequence[LookDetail]) -> list[list[MetricEvidence]]:
    """Return each metric's evidence at all earlier looks, in the order of `list_metrics`."""
    pasts = [[past.primary for past in history]]
    pasts += [[past.guardrails[index] for past in history] for index in range(len(plan.guardrails))]
    return pasts + [[past.secondary[index] for past in history] for index in range(len(plan.secondary))]


def _list_warnings(plan: ExperimentPlan, exposures: Exposures) -> tuple[str, ...]:
    if exposures.crossovers <= plan.gates.max_crossover_share * exposures.units:
        return ()
    return (f"{exposures.crossovers} of {exposures.units} units met both variants and are excluded",)
