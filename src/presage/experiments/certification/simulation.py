"""Simulated experiments: drawn hour by hour, merged, looked at every hour, and concluded by the product's own rules.

Moments, estimates, intervals, their running intersection and the sample-ratio test are those of `presage.stats`, over arrays of runs and
looks; whether and how a run is concluded says `presage.experiments.decision.decide`, at each look where its answer can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from presage.experiments.certification.drawing import DAYS, HOURS_A_DAY, History, Scale, Trial, draw_history, select
from presage.experiments.decision import Decision, Evidence, decide
from presage.experiments.evidence import ArmEvidence, Counted, Exposures, MetricEvidence, SampleRatio, build_plan_mixture
from presage.experiments.model import ExperimentPlan, Metric, State, TreatmentArm, Variant, VariantStatistics, list_arms
from presage.stats.effect import Comparison, Estimate, estimate_difference, estimate_log_ratio
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive, require_conclusive
from presage.stats.sample_ratio import compute_log_bayes_factor
from presage.stats.sequential import Interval, compute_interval, intersect_looks


@dataclass(frozen=True)
class Outcomes:
    """How runs ended. Shape: each (runs,); `looks` is the number of the look that ended the run, `covered` is of all arms at once."""

    decisions: tuple[State, ...]
    looks: tuple[int, ...]
    covered: tuple[bool, ...]
    shipped: tuple[Variant | None, ...]


@dataclass(frozen=True)
class ArmCourse:
    """What each look concluded an arm from. Shape: each array (runs, looks)."""

    enough: NDArray[np.bool_]
    running: Interval[Array]


@dataclass(frozen=True)
class Course:
    """What each look concluded from; `mismatch_p` is (runs, looks)."""

    arms: tuple[ArmCourse, ...]
    mismatch_p: Array


def build_plan(*, planned_units: int, alpha: float, minimum_effect: float, arms: int = 1) -> ExperimentPlan:
    """Return a plan with the product's default gates that ends when its planned units are counted, after `DAYS`.

    Several arms and control have equal weights.
    """
    metric = Metric(name="certified", kind="conversion", dataset="certified")
    plan = ExperimentPlan("certified", "certified", metric, planned_units, alpha=alpha, minimum_effect=minimum_effect, max_days=DAYS + 1)
    treatments = (TreatmentArm(f"arm-{place}", 1.0 / (arms + 1), place) for place in range(1, arms + 1))
    return plan if arms == 1 else replace(plan, arms=tuple(treatments))


def simulate(trial: Trial, *, runs: int, generator: np.random.Generator) -> Outcomes:
    """Return how so many runs of the trial end."""
    history = draw_history(trial, runs=runs, generator=generator)
    course = follow(trial, history)
    covered = np.ones(runs, dtype=np.bool_)
    for arm, truth in zip(course.arms, trial.truths, strict=True):
        covered &= (arm.running.lower[:, -1] <= truth) & (truth <= arm.running.upper[:, -1])
    ends = [_conclude(trial, history, course, run=run) for run in range(runs)]
    decisions = [decision for decision, _ in ends]
    return Outcomes(
        tuple(decision.state for decision in decisions),
        tuple(look for _, look in ends),
        tuple(covered.tolist()),
        tuple(decision.arm for decision in decisions),
    )


def follow(trial: Trial, history: History) -> Course:
    """Return intervals and sample-ratio p-values of all looks."""
    weights = [arm.weight for arm in list_arms(trial.plan)]
    factors = compute_log_bayes_factor([arm.first.units for arm in (history.control, *history.arms)], (1.0 - sum(weights), *weights))
    mismatch_p = np.exp(-np.maximum.accumulate(np.maximum(0.0, factors), axis=1))
    return Course(tuple(_follow_arm(trial, history, place) for place in range(len(weights))), mismatch_p)


def _follow_arm(trial: Trial, history: History, place: int) -> ArmCourse:
    gates, variants = trial.plan.gates, (history.control, history.arms[place])
    enough = np.minimum(*(variant.first.units for variant in variants)) >= gates.min_units_per_variant
    enough &= np.minimum(history.valued[0], history.valued[1 + place]) >= gates.min_conversions_per_variant
    lower, upper = np.full(enough.shape, -np.inf), np.full(enough.shape, np.inf)
    if enough.any():
        control, treatment = (select(variant, lambda values: values[enough]) for variant in variants)
        estimate = _estimate(trial.population.compare(control, treatment), trial.scale)
        units = control.first.units + treatment.first.units
        interval = compute_interval(estimate, build_plan_mixture(trial.plan, place), units=units)
        lower[enough], upper[enough] = interval.lower, interval.upper
    return ArmCourse(enough, intersect_looks(Interval(lower, upper)))


def build_evidence(trial: Trial, history: History, course: Course, *, run: int, look: int) -> Evidence:
    """Return what the product's rules would see of one run at one look."""
    units = [int(variant.first.units[run, look]) for variant in (history.control, *history.arms)]
    counts = [VariantStatistics(seen, int(valued[run, look])) for seen, valued in zip(units, history.valued, strict=True)]
    arms = []
    for place, arm in enumerate(list_arms(trial.plan)):
        found = course.arms[place]
        lower, upper = float(found.running.lower[run, look]), float(found.running.upper[run, look])
        running = Interval(lower, upper) if -np.inf < lower <= upper else None
        counted = Counted("certified", None, 0, "", counts[0], counts[1 + place])
        primary = MetricEvidence(counted, bool(found.enough[run, look]), None, None, None, running, None, 1.0, None)
        arms.append(ArmEvidence(arm.name, build_plan_mixture(trial.plan, place), primary, ()))
    weights = tuple(arm.weight for arm in list_arms(trial.plan))
    ratio = SampleRatio(tuple(units), (1.0 - sum(weights), *weights), 0.0, float(course.mismatch_p[run, look]), None)
    return Evidence(Exposures(sum(units), sum(units), 0, None, (look + 1) // HOURS_A_DAY), arms, ratio)


def _conclude(trial: Trial, history: History, course: Course, *, run: int) -> tuple[Decision, int]:
    def decide_at(look: int) -> Decision:
        return decide(trial.plan, build_evidence(trial, history, course, run=run, look=look))

    *turns, last = _list_turns(trial, course, run=run)
    for look in turns:
        decision = decide_at(look)
        if decision.state != "running":
            return decision, look
    return decide_at(last), last


def _list_turns(trial: Trial, course: Course, *, run: int) -> Iterator[int]:
    """Yield the looks at which something that a decision rests on has changed since the look before."""
    days_passed = (np.arange(course.mismatch_p.shape[1]) + 1) // HOURS_A_DAY >= trial.plan.gates.min_days
    facts = [course.mismatch_p[run] < trial.plan.gates.srm_threshold, days_passed]
    for arm in course.arms:
        lower, upper = arm.running.lower[run], arm.running.upper[run]
        facts += [arm.enough[run], lower > 0.0, upper < 0.0, upper < trial.plan.minimum_effect, lower > upper]
    turned = (np.diff(np.stack(facts), axis=1, prepend=False) != 0).any(axis=0)
    turned[-1] = True
    yield from np.flatnonzero(turned).tolist()


def _estimate(samples: Comparison[Array] | Inconclusive, scale: Scale) -> Estimate[Array]:
    compared = require_conclusive(samples, what="a simulated look that passed its gates")
    if scale == "log_ratio":
        return require_conclusive(estimate_log_ratio(compared), what="a simulated look that passed its gates")
    return estimate_difference(compared)
