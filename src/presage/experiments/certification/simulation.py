"""Simulated experiments: drawn hour by hour, merged, looked at every hour, and concluded by the product's own rules.

Moments, estimates, intervals, their running intersection and the sample-ratio test are those of `presage.stats`, over arrays of runs and
looks; whether and how a run is concluded says `presage.experiments.decision.decide`, at each look where its answer can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from presage.experiments.certification.drawing import DAYS, HOURS_A_DAY, History, Scale, Trial, draw_history, select
from presage.experiments.decision import Evidence, decide
from presage.experiments.evidence import Counted, Exposures, MetricEvidence, SampleRatio, build_plan_mixture
from presage.experiments.model import ExperimentPlan, Metric, State, VariantStatistics
from presage.stats.effect import Comparison, Estimate, estimate_difference, estimate_log_ratio
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive, require_conclusive
from presage.stats.sample_ratio import compute_log_bayes_factor
from presage.stats.sequential import Interval, compute_interval, intersect_looks


@dataclass(frozen=True)
class Outcomes:
    """How runs ended. Shape: each (runs,); `looks` is the number of the look that ended the run."""

    decisions: tuple[State, ...]
    looks: tuple[int, ...]
    covered: tuple[bool, ...]


@dataclass(frozen=True)
class Course:
    """What each look concluded from. Shape: each array (runs, looks)."""

    enough: NDArray[np.bool_]
    running: Interval[Array]
    mismatch_p: Array


def build_plan(*, planned_units: int, alpha: float, minimum_effect: float) -> ExperimentPlan:
    """Return a plan with the product's default gates that ends when its planned units are counted, after `DAYS`."""
    metric = Metric(name="certified", kind="conversion", dataset="certified")
    return ExperimentPlan("certified", "certified", metric, planned_units, alpha=alpha, minimum_effect=minimum_effect, max_days=DAYS + 1)


def simulate(trial: Trial, *, runs: int, generator: np.random.Generator) -> Outcomes:
    """Return how so many runs of the trial end."""
    history = draw_history(trial, runs=runs, generator=generator)
    course = follow(trial, history)
    lower, upper = course.running.lower, course.running.upper
    covered = (lower[:, -1] <= trial.truth) & (trial.truth <= upper[:, -1])
    ends = [_conclude(trial, history, course, run=run) for run in range(runs)]
    return Outcomes(tuple(state for state, _ in ends), tuple(look for _, look in ends), tuple(covered.tolist()))


def follow(trial: Trial, history: History) -> Course:
    """Return intervals and sample-ratio p-values of all looks."""
    gates, arms = trial.plan.gates, (history.control.first, history.treatment.first)
    enough = np.minimum(arms[0].units, arms[1].units) >= gates.min_units_per_variant
    enough &= np.minimum(*history.valued) >= gates.min_conversions_per_variant
    lower, upper = np.full(enough.shape, -np.inf), np.full(enough.shape, np.inf)
    if enough.any():
        control, treatment = (select(arm, lambda values: values[enough]) for arm in (history.control, history.treatment))
        estimate = _estimate(trial.population.compare(control, treatment), trial.scale)
        units = control.first.units + treatment.first.units
        interval = compute_interval(estimate, build_plan_mixture(trial.plan), units=units)
        lower[enough], upper[enough] = interval.lower, interval.upper
    shares = (1.0 - trial.plan.treatment_share, trial.plan.treatment_share)
    factors = compute_log_bayes_factor([arm.units for arm in arms], shares)
    mismatch_p = np.exp(-np.maximum.accumulate(np.maximum(0.0, factors), axis=1))
    return Course(enough, intersect_looks(Interval(lower, upper)), mismatch_p)


def build_evidence(history: History, course: Course, *, run: int, look: int) -> Evidence:
    """Return what the product's rules would see of one run at one look."""
    units = (int(history.control.first.units[run, look]), int(history.treatment.first.units[run, look]))
    valued = (int(history.valued[0][run, look]), int(history.valued[1][run, look]))
    lower, upper = float(course.running.lower[run, look]), float(course.running.upper[run, look])
    enough = bool(course.enough[run, look])
    counted = Counted("certified", None, 0, "", VariantStatistics(units[0], valued[0]), VariantStatistics(units[1], valued[1]))
    running = Interval(lower, upper) if -np.inf < lower <= upper else None
    ratio = SampleRatio(units, (0.5, 0.5), 0.0, float(course.mismatch_p[run, look]), None)
    primary = MetricEvidence(counted, enough, None, None, None, running, None, 1.0, None)
    return Evidence(Exposures(sum(units), sum(units), 0, None, (look + 1) // HOURS_A_DAY), primary, (), ratio)


def _conclude(trial: Trial, history: History, course: Course, *, run: int) -> tuple[State, int]:
    for look in _list_turns(trial, course, run=run):
        decision = decide(trial.plan, build_evidence(history, course, run=run, look=look))
        if decision.state != "running":
            return decision.state, look
    return "running", course.enough.shape[1] - 1


def _list_turns(trial: Trial, course: Course, *, run: int) -> Iterator[int]:
    """Yield the looks at which something that a decision rests on has changed since the look before."""
    lower, upper = course.running.lower[run], course.running.upper[run]
    days_passed = (np.arange(lower.size) + 1) // HOURS_A_DAY >= trial.plan.gates.min_days
    facts = np.stack(
        [
            course.enough[run],
            lower > 0.0,
            upper < 0.0,
            upper < trial.plan.minimum_effect,
            lower > upper,
            course.mismatch_p[run] < trial.plan.gates.srm_threshold,
            days_passed,
        ]
    )
    turned = (np.diff(facts, axis=1, prepend=False) != 0).any(axis=0)
    turned[-1] = True
    yield from np.flatnonzero(turned).tolist()


def _estimate(samples: Comparison[Array] | Inconclusive, scale: Scale) -> Estimate[Array]:
    compared = require_conclusive(samples, what="a simulated look that passed its gates")
    if scale == "log_ratio":
        return require_conclusive(estimate_log_ratio(compared), what="a simulated look that passed its gates")
    return estimate_difference(compared)
