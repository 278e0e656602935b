"""What one look knows: sufficient statistics, intervals, evidence, gates. All of it is kept with the look, so it can be recomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from presage.experiments.events import Limits
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import (
    BINARY_KINDS,
    ExperimentPlan,
    Gates,
    MetricKind,
    Variant,
    VariantStatistics,
    count_planned_units,
    list_arms,
)
from presage.experiments.segment_evidence import SegmentEvidence
from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import Comparison, Estimate, Sample, build_comparison, estimate_difference, estimate_relative_lift
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import Moments, PairMoments, summarise_mean
from presage.stats.multiplicity import select_by_e_bh
from presage.stats.proportion import summarise_proportion
from presage.stats.ratio import summarise_ratio
from presage.stats.sample_ratio import compute_chi_square_p, compute_log_bayes_factor, compute_sequential_p
from presage.stats.sequential import (
    Interval,
    Mixture,
    Period,
    build_mixture,
    compute_joint_e_value,
    compute_joint_interval,
    compute_p_value,
    intersect,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A metric as the warehouse counted it, and by which statement over which data.

    `treatment` is one arm's. `sql`, which stands with the first arm, counts them all. `loaded_parts` are those that this look brought,
    of both datasets of a ratio. `has_covariate` tells what the second value is.
    """

    metric: str
    dataset_version: int | None
    loaded_parts: int
    sql: str
    control: VariantStatistics
    treatment: VariantStatistics
    kind: MetricKind = "conversion"
    has_covariate: bool = False
    denominator_version: int | None = None


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """One metric at one look. Effects are absolute differences, treatment minus control.

    `enough` tells whether both variants passed the size gates, so that this look's interval counts; `running_interval`,
    `e_value` and `p_value` are over all looks that count (None and 1 before the first); `inconclusive` says why there is no interval.
    """

    counted: Counted
    enough: bool
    estimate: Estimate[float] | None
    relative_lift: Estimate[float] | None
    interval: Interval[float] | None
    running_interval: Interval[float] | None
    e_value: float | None
    p_value: float
    inconclusive: str | None


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """What one arm's comparison with control came to; `mixture` is its confidence sequences'."""

    arm: Variant
    mixture: Mixture
    primary: MetricEvidence
    guardrails: tuple[MetricEvidence, ...]
    secondary: tuple[MetricEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Units whose primary window is closed, per variant (control, then the arms), against the planned shares.

    `p_value` is over all looks and may be acted upon; `chi_square_p` is this look's and for display. After a change of weights, units
    and shares are those of the newest version, `log_bayes_factor` is of all versions, each against its own shares, and
    `earlier_units` were counted under those before.
    """

    units: tuple[int, ...]
    shares: tuple[float, ...]
    log_bayes_factor: float
    p_value: float
    chi_square_p: float | None
    earlier_units: int = 0


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: whether it passed, what was observed (None: not computable yet) and what is required."""

    name: str
    passed: bool
    observed: float | None
    required: float


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposures up to the look: rows, units, units that met a second variant, and the time since the first."""

    rows: int
    units: int
    crossovers: int
    first_exposure: datetime | None
    whole_days: int


@dataclass(frozen=True, slots=True)
class LookDetail:
    """Everything of a look that is kept as `Look.detail`. `schema` tells readers its form; fields with defaults came after 1.

    `mixture`, `primary`, `guardrails` and `secondary` are the first arm's, and `further_arms` has the others'.
    `adjusted_p_values` are Holm's of the primary metric, an arm each, and `shipped` is the arm that the look decides for.
    `discoveries` names the secondary metrics whose effect e-BH finds at this look; of such an expected share of at most alpha is none.
    `limits` are those after the first `events` of the operators. What the look saw is what was loaded until `loaded_until`, by the
    warehouse's clock; `data` are its fingerprints. It counts units that were first met under `allocation_version`. `segments` are for
    display.
    """

    schema: int
    exposures: Exposures
    mixture: Mixture
    primary: MetricEvidence
    guardrails: tuple[MetricEvidence, ...]
    sample_ratio: SampleRatio
    gates: tuple[GateResult, ...]
    warnings: tuple[str, ...]
    reason: str
    secondary: tuple[MetricEvidence, ...] = ()
    discoveries: tuple[str, ...] = ()
    limits: Limits | None = None
    events: int = 0
    loaded_until: datetime | None = None
    data: tuple[Fingerprint, ...] = ()
    allocation_version: int = 1
    further_arms: tuple[ArmEvidence, ...] = ()
    adjusted_p_values: tuple[float, ...] = ()
    shipped: Variant | None = None
    segments: tuple[SegmentEvidence, ...] = ()


def build_plan_mixture(plan: ExperimentPlan, place: int = 0) -> Mixture:
    """Return the parameters of an arm's confidence sequences, frozen by the plan.

    Each of k arms errs with at most alpha / k, so that all of their intervals hold at all looks at once with 1 - alpha, whichever is
    looked at for what it shows. It is tuned to the units that are planned for the arm and control.
    """
    return build_mixture(alpha=plan.alpha / len(list_arms(plan)), planned_units=count_planned_units(plan, place))


def list_arm_evidence(plan: ExperimentPlan, detail: LookDetail) -> tuple[ArmEvidence, ...]:
    """Return what a look kept of each arm, in the plan's order."""
    first = ArmEvidence(list_arms(plan)[0].name, detail.mixture, detail.primary, detail.guardrails, detail.secondary)
    return first, *detail.further_arms


def compute_metric_evidence(
    counted: Counted, *, plan: ExperimentPlan, mixture: Mixture, history: Sequence[MetricEvidence], earlier: Sequence[Period] = ()
) -> MetricEvidence:
    """Return the metric's evidence at this look; `history` is the same metric's at all earlier looks.

    `estimate` is of the units counted now; interval and e-value are together with what `earlier` versions of the allocation left.

    A look counts towards the running interval only once both variants passed the size gates: the sequence is asymptotic,
    and its guarantee starts there.
    """
    samples = compare(counted)
    enough = has_enough(counted, plan.gates)
    estimate, lift, interval, e_value, problem = None, None, None, None, None
    if isinstance(samples, Inconclusive):
        problem = samples.reason
    else:
        estimate, lift = estimate_difference(samples), estimate_relative_lift(samples)
        periods = [*earlier, Period(estimate, count_units(counted))]
        joint, e_value = compute_joint_interval(periods, mixture), compute_joint_e_value(periods, mixture)
        interval, problem = (None, joint.reason) if isinstance(joint, Inconclusive) else (joint, None)
    running = intersect([*_counting_intervals(history), *([interval] if interval and enough else [])])
    e_values = [past.e_value for past in history if past.enough and past.e_value is not None]
    e_values += [e_value] if enough and e_value is not None else []
    return MetricEvidence(
        counted=counted,
        enough=enough,
        estimate=estimate,
        relative_lift=None if isinstance(lift, Inconclusive) else lift,
        interval=interval,
        running_interval=None if isinstance(running, Inconclusive) else running,
        e_value=e_value,
        p_value=compute_p_value(e_values),
        inconclusive=problem or (running.reason if isinstance(running, Inconclusive) else None),
    )


def count_units(counted: Counted) -> int:
    """Return the units of both variants."""
    return counted.control.units + counted.treatment.units


def find_period(history: Sequence[MetricEvidence]) -> Period | None:
    """Return what the looks of one version of the allocation came to: the last one that counts, or None."""
    for past in reversed(history):
        if past.enough and past.estimate is not None:
            return Period(past.estimate, count_units(past.counted))
    return None


def compare(counted: Counted) -> Comparison[float] | Inconclusive:
    """Return both variants' samples of a counted metric, if they can be compared.

    A covariate that does not vary has nothing to take out: until it does, the metric is compared as it is.
    """
    arms = (counted.control, counted.treatment)
    if counted.kind in BINARY_KINDS:
        control, treatment = (summarise_proportion(float(arm.units), float(arm.conversions)) for arm in arms)
        return build_comparison(control, treatment)
    pairs = (build_pair(counted.control), build_pair(counted.treatment))
    adjusted = adjust_by_covariate(*pairs) if counted.has_covariate else Inconclusive("no covariate")
    if not isinstance(adjusted, Inconclusive):
        return build_comparison(*adjusted)
    control, treatment = (_summarise(pair, counted.kind) for pair in pairs)
    return build_comparison(control, treatment)


def build_pair(arm: VariantStatistics) -> PairMoments[float]:
    """Return the variant's moments of both values.

    Raises:
        ValueError: It is a binary metric's, or no sample's.
    """
    if arm.values is None:
        raise ValueError(f"statistics of a valued metric need moments, got {arm}")
    units, found = float(arm.units), arm.values
    first, second = Moments(units, found.mean, found.squares), Moments(units, found.second_mean, found.second_squares)
    return PairMoments(first, second, found.products)


def find_discoveries(secondary: Mapping[str, MetricEvidence], *, alpha: float) -> tuple[str, ...]:
    """Return the names of the secondary metrics that e-BH finds, from this look's e-values; a metric below its gates has none."""
    e_values = [found.e_value if found.enough and found.e_value is not None else 0.0 for found in secondary.values()]
    chosen = select_by_e_bh(e_values, alpha=alpha)
    return tuple(name for name, is_found in zip(secondary, chosen, strict=True) if is_found)


def has_enough(counted: Counted, gates: Gates) -> bool:
    """Return whether both variants have the units and conversions (units with a value other than 0) that the plan asks for."""
    arms = (counted.control, counted.treatment)
    return (
        min(arm.units for arm in arms) >= gates.min_units_per_variant
        and min(arm.conversions for arm in arms) >= gates.min_conversions_per_variant
    )


def compute_sample_ratio(
    units: Sequence[int], *, weights: Sequence[float], history: Sequence[SampleRatio], earlier: SampleRatio | None = None
) -> SampleRatio:
    """Return the sample-ratio evidence at this look, with the p-value over all looks; `earlier` is that of the version before, at its end.

    `units` are control's and each arm's, `weights` the arms'. Units of two versions are different units, so their Bayes factors
    multiply, each against the shares that its units were drawn by.
    """
    shares = (1.0 - sum(weights), *weights)
    factor = compute_log_bayes_factor(units, shares) + (earlier.log_bayes_factor if earlier else 0.0)
    return SampleRatio(
        units=tuple(units),
        shares=shares,
        log_bayes_factor=factor,
        p_value=compute_sequential_p([*(past.log_bayes_factor for past in history), factor]),
        chi_square_p=compute_chi_square_p(units, shares) if sum(units) else None,
        earlier_units=earlier.earlier_units + sum(earlier.units) if earlier else 0,
    )


def _counting_intervals(history: Sequence[MetricEvidence]) -> list[Interval[float]]:
    return [past.interval for past in history if past.enough and past.interval is not None]


def _summarise(pair: PairMoments[float], kind: MetricKind) -> Sample[float] | Inconclusive:
    return summarise_ratio(pair) if kind in {"mean", "ratio"} else summarise_mean(pair.first)
