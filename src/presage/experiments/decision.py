"""When an experiment is concluded, and how: the gates and the state machine, as pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from presage.experiments.events import Limits, compute_limits
from presage.experiments.evidence import ArmEvidence, Exposures, GateResult, SampleRatio
from presage.experiments.model import ExperimentPlan, State, Variant, name_in_arm

CONCLUDED: frozenset[State] = frozenset({"concluded_ship", "concluded_rollback", "concluded_inconclusive"})
ENDED: frozenset[State] = CONCLUDED | {"stopped_by_user"}
ACTIVE: frozenset[State] = frozenset({"running", "paused_srm"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision rests on; `arms` in the plan's order."""

    exposures: Exposures
    arms: Sequence[ArmEvidence]
    sample_ratio: SampleRatio


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to be in after the look, the gates it was decided by, why in one sentence, and the arm that is shipped, if one is."""

    state: State
    reason: str
    gates: tuple[GateResult, ...]
    arm: Variant | None = None


Conclusion = tuple[State, str, Variant | None]


def decide(plan: ExperimentPlan, evidence: Evidence, limits: Limits | None = None) -> Decision:
    """Return the decision of one look; `limits` are the plan's, unless operators extended it.

    A mismatched sample ratio pauses. Otherwise, in this order: ship of the arm of which most is proven, which takes traffic off all others;
    rollback (exempt from the minimum of days; by a guardrail of any arm, whose interval counts only from its own size gates on, also from
    the primary metric's; by the primary metric when all arms lose); inconclusive by futility of all arms, by the maximum of days, by the
    planned units; else keep running. An arm cannot be both shipped and rolled back.
    """
    gates = compute_gates(plan, evidence)
    failed = {gate.name for gate in gates if not gate.passed}
    for state, reason, arm in _conclusions(plan, evidence, failed, limits or compute_limits(plan, ())):
        return Decision(state, reason, gates, arm)
    unclear = [arm.primary.inconclusive for arm in evidence.arms if arm.primary.inconclusive]
    contained = "the interval still contains 0" if len(evidence.arms) == 1 else "no arm is better with certainty"
    waiting = ", ".join(sorted(failed)) or ", ".join(unclear) or contained
    return Decision("running", f"keep running: {waiting}", gates)


def compute_gates(plan: ExperimentPlan, evidence: Evidence) -> tuple[GateResult, ...]:
    """Return the gates of the sample ratio, of each arm's sizes, of the days, which hold no rollback back, and of each arm's guardrails."""
    p_value, days, gates = evidence.sample_ratio.p_value, evidence.exposures.whole_days, plan.gates
    return (
        GateResult("sample_ratio", p_value >= gates.srm_threshold, p_value, gates.srm_threshold),
        *(gate for arm in evidence.arms for gate in _compute_size_gates(plan, arm)),
        GateResult("min_days", days >= gates.min_days, days, gates.min_days),
        *(gate for arm in evidence.arms for gate in _compute_guardrail_gates(plan, arm)),
    )


def list_losing(plan: ExperimentPlan, arms: Sequence[ArmEvidence]) -> list[ArmEvidence]:
    """Return the arms that do worse than control on the primary metric: large enough, with an interval below 0."""
    return [arm for arm in arms if _is_large(plan, arm) and arm.primary.running_interval and arm.primary.running_interval.upper < 0.0]


def _compute_size_gates(plan: ExperimentPlan, arm: ArmEvidence) -> tuple[GateResult, ...]:
    """Return the gates on the primary metric's sample. Its window may close months after a guardrail's, which must not wait for it."""
    variants = (arm.primary.counted.control, arm.primary.counted.treatment)
    found = {
        "min_units_per_variant": (min(variant.units for variant in variants), plan.gates.min_units_per_variant),
        "min_conversions_per_variant": (min(variant.conversions for variant in variants), plan.gates.min_conversions_per_variant),
    }
    return tuple(GateResult(name_in_arm(plan, arm.arm, name), seen >= least, seen, least) for name, (seen, least) in found.items())


def _compute_guardrail_gates(plan: ExperimentPlan, arm: ArmEvidence) -> tuple[GateResult, ...]:
    """Return one gate for each guardrail, which only shipping the arm needs: its lower bound is above -margin."""
    results = []
    for guardrail, evidence in zip(plan.guardrails, arm.guardrails, strict=True):
        lower = evidence.running_interval.lower if evidence.running_interval else None
        passed = lower is not None and lower > -guardrail.margin
        results.append(GateResult(name_in_arm(plan, arm.arm, f"guardrail {guardrail.metric.name}"), passed, lower, -guardrail.margin))
    return tuple(results)


def _is_large(plan: ExperimentPlan, arm: ArmEvidence) -> bool:
    return all(gate.passed for gate in _compute_size_gates(plan, arm))


def _conclusions(plan: ExperimentPlan, evidence: Evidence, failed: set[str], limits: Limits) -> Iterator[Conclusion]:
    """Yield the conclusions that are allowed now, the one that counts first."""
    if "sample_ratio" in failed:
        p_value = evidence.sample_ratio.p_value
        yield "paused_srm", f"sample-ratio mismatch: units are {evidence.sample_ratio.units}, p = {p_value:.3g}", None
        return
    days_passed = "min_days" not in failed
    if days_passed:
        yield from _ships(plan, evidence.arms)
    for arm in evidence.arms:
        yield from _breaches(plan, arm)
    yield from _losses(plan, evidence.arms)
    if days_passed:
        yield from _futilities(plan, evidence.arms)
    yield from _limits(limits, evidence, days_passed=days_passed)


def _breaches(plan: ExperimentPlan, arm: ArmEvidence) -> Iterator[Conclusion]:
    for guardrail, found in zip(plan.guardrails, arm.guardrails, strict=True):
        if found.running_interval and found.running_interval.upper < -guardrail.margin:
            bound = f"upper bound {found.running_interval.upper:.6g} is below -{guardrail.margin:g}"
            yield "concluded_rollback", f"{name_in_arm(plan, arm.arm, 'guardrail')} {guardrail.metric.name} is breached: {bound}", None


def _losses(plan: ExperimentPlan, arms: Sequence[ArmEvidence]) -> Iterator[Conclusion]:
    if len(list_losing(plan, arms)) == len(arms):
        yield "concluded_rollback", _say(plan, arms, "is below 0"), None


def _ships(plan: ExperimentPlan, arms: Sequence[ArmEvidence]) -> Iterator[Conclusion]:
    """Yield the arm whose lower bound is the highest among those that may be shipped."""
    proven = {
        arm.arm: arm.primary.running_interval.lower
        for arm in arms
        if arm.primary.running_interval and arm.primary.running_interval.lower > 0.0 and _is_clean(plan, arm)
    }
    if proven:
        best = max(proven, key=proven.__getitem__)
        yield "concluded_ship", f"{name_in_arm(plan, best, plan.primary.name)}: lower bound {proven[best]:.6g} is above 0", best


def _is_clean(plan: ExperimentPlan, arm: ArmEvidence) -> bool:
    return _is_large(plan, arm) and all(gate.passed for gate in _compute_guardrail_gates(plan, arm))


def _futilities(plan: ExperimentPlan, arms: Sequence[ArmEvidence]) -> Iterator[Conclusion]:
    intervals = [arm.primary.running_interval for arm in arms if _is_large(plan, arm)]
    if len(intervals) == len(arms) and all(found is not None and found.upper < plan.minimum_effect for found in intervals):
        yield "concluded_inconclusive", _say(plan, arms, f"is below the minimum effect {plan.minimum_effect:g}"), None


def _say(plan: ExperimentPlan, arms: Sequence[ArmEvidence], what: str) -> str:
    """Return that every arm's upper bound is so."""
    uppers = [(arm.arm, arm.primary.running_interval.upper) for arm in arms if arm.primary.running_interval]
    return "; ".join(f"{name_in_arm(plan, arm, plan.primary.name)}: upper bound {upper:.6g} {what}" for arm, upper in uppers)


def _limits(limits: Limits, evidence: Evidence, *, days_passed: bool) -> Iterator[Conclusion]:
    if evidence.exposures.whole_days >= limits.max_days:
        yield "concluded_inconclusive", f"the maximum of {limits.max_days} days is reached without a conclusion", None
    units = sum(evidence.sample_ratio.units) + evidence.sample_ratio.earlier_units
    if units >= limits.max_units and days_passed:
        yield "concluded_inconclusive", f"all {limits.max_units} planned units are counted without a conclusion", None
