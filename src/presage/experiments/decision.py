"""When an experiment is concluded, and how: the gates and the state machine, as pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from presage.experiments.events import Limits, compute_limits
from presage.experiments.evidence import Exposures, GateResult, MetricEvidence, SampleRatio
from presage.experiments.model import ExperimentPlan, State

CONCLUDED: frozenset[State] = frozenset({"concluded_ship", "concluded_rollback", "concluded_inconclusive"})
ENDED: frozenset[State] = CONCLUDED | {"stopped_by_user"}
ACTIVE: frozenset[State] = frozenset({"running", "paused_srm"})
SIZE_GATES = frozenset({"min_units_per_variant", "min_conversions_per_variant"})
"""Gates on the primary metric's sample. Its window may close months after a guardrail's, which must not wait for it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on."""

    exposures: Exposures
    primary: MetricEvidence
    guardrails: Sequence[MetricEvidence]
    sample_ratio: SampleRatio


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to be in after the look, the gates it was decided by, and why in one sentence."""

    state: State
    reason: str
    gates: tuple[GateResult, ...]


def decide(plan: ExperimentPlan, evidence: Evidence, limits: Limits | None = None) -> Decision:
    """Return the decision of one look; `limits` are the plan's, unless operators extended it.

    A mismatched sample ratio pauses. Otherwise, in this order: rollback (exempt from the minimum of days; by a guardrail, whose
    interval counts only from its own size gates on, also from the primary metric's), ship, inconclusive by futility, by the
    maximum of days, by the planned units; else keep running.
    """
    gates = (*compute_gates(plan, evidence), *compute_guardrail_gates(plan, evidence.guardrails))
    failed = {gate.name for gate in gates if not gate.passed}
    for state, reason in _conclusions(plan, evidence, failed, limits or compute_limits(plan, ())):
        return Decision(state, reason, gates)
    waiting = ", ".join(sorted(failed)) or evidence.primary.inconclusive or "the interval still contains 0"
    return Decision("running", f"keep running: {waiting}", gates)


def compute_gates(plan: ExperimentPlan, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return the gates that every conclusion needs; `min_days` does not hold a rollback back."""
    arms = (evidence.primary.counted.control, evidence.primary.counted.treatment)
    units, conversions = min(arm.units for arm in arms), min(arm.conversions for arm in arms)
    exposures, gates = evidence.exposures, plan.gates
    return (
        GateResult(
            "sample_ratio", evidence.sample_ratio.p_value >= gates.srm_threshold, evidence.sample_ratio.p_value, gates.srm_threshold
        ),
        GateResult("min_units_per_variant", units >= gates.min_units_per_variant, units, gates.min_units_per_variant),
        GateResult(
            "min_conversions_per_variant", conversions >= gates.min_conversions_per_variant, conversions, gates.min_conversions_per_variant
        ),
        GateResult("min_days", exposures.whole_days >= gates.min_days, exposures.whole_days, gates.min_days),
    )


def compute_guardrail_gates(plan: ExperimentPlan, guardrails: Sequence[MetricEvidence]) -> tuple[GateResult, ...]:
    """Return one gate for each guardrail, which only shipping needs: its lower bound is above -margin."""
    results = []
    for guardrail, evidence in zip(plan.guardrails, guardrails, strict=True):
        lower = evidence.running_interval.lower if evidence.running_interval else None
        passed = lower is not None and lower > -guardrail.margin
        results.append(GateResult(_guardrail_gate(guardrail.metric.name), passed, lower, -guardrail.margin))
    return tuple(results)


def _guardrail_gate(metric: str) -> str:
    return f"guardrail {metric}"


def _conclusions(plan: ExperimentPlan, evidence: Evidence, failed: set[str], limits: Limits) -> Iterator[tuple[State, str]]:
    """Yield the conclusions that are allowed now, the one that counts first."""
    if "sample_ratio" in failed:
        p_value = evidence.sample_ratio.p_value
        yield "paused_srm", f"sample-ratio mismatch: units are {evidence.sample_ratio.units}, p = {p_value:.3g}"
        return
    guardrail_gates = {_guardrail_gate(guardrail.metric.name) for guardrail in plan.guardrails}
    blocking = failed - guardrail_gates
    if not blocking - SIZE_GATES - {"min_days"}:
        yield from _breaches(plan, evidence)
    if not blocking - {"min_days"}:
        yield from _losses(plan, evidence)
    if not blocking:
        yield from _settled(plan, evidence, guardrails_clean=not failed & guardrail_gates)
    yield from _limits(limits, evidence, days_passed="min_days" not in failed)


def _breaches(plan: ExperimentPlan, evidence: Evidence) -> Iterator[tuple[State, str]]:
    for guardrail, found in zip(plan.guardrails, evidence.guardrails, strict=True):
        if found.running_interval and found.running_interval.upper < -guardrail.margin:
            bound = f"upper bound {found.running_interval.upper:.6g} is below -{guardrail.margin:g}"
            yield "concluded_rollback", f"guardrail {guardrail.metric.name} is breached: {bound}"


def _losses(plan: ExperimentPlan, evidence: Evidence) -> Iterator[tuple[State, str]]:
    interval = evidence.primary.running_interval
    if interval and interval.upper < 0.0:
        yield "concluded_rollback", f"{plan.primary.name}: upper bound {interval.upper:.6g} is below 0"


def _settled(plan: ExperimentPlan, evidence: Evidence, *, guardrails_clean: bool) -> Iterator[tuple[State, str]]:
    interval = evidence.primary.running_interval
    if interval is None:
        return
    if interval.lower > 0.0 and guardrails_clean:
        yield "concluded_ship", f"{plan.primary.name}: lower bound {interval.lower:.6g} is above 0"
    if interval.upper < plan.minimum_effect:
        bound = f"upper bound {interval.upper:.6g} is below the minimum effect {plan.minimum_effect:g}"
        yield "concluded_inconclusive", f"{plan.primary.name}: {bound}"


def _limits(limits: Limits, evidence: Evidence, *, days_passed: bool) -> Iterator[tuple[State, str]]:
    if evidence.exposures.whole_days >= limits.max_days:
        yield "concluded_inconclusive", f"the maximum of {limits.max_days} days is reached without a conclusion"
    units = sum(evidence.sample_ratio.units) + evidence.sample_ratio.earlier_units
    if units >= limits.max_units and days_passed:
        yield "concluded_inconclusive", f"all {limits.max_units} planned units are counted without a conclusion"
