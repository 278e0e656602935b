"""What a plan must satisfy before it may be kept: every fault is named by the JSONPath of its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

from presage.errors import InvalidInputError
from presage.experiments.model import (
    BINARY_KINDS,
    CONTROL,
    VARIANT_NAME,
    ExperimentPlan,
    Gates,
    LayerSegment,
    Metric,
    MetricKind,
    UnitSegment,
    list_arms,
    list_sources,
)
from presage.experiments.segments import build_segment_source
from presage.features.dataset import Dataset

FindDataset = Callable[[str], Dataset | None]
Check = tuple[bool, str, str]
"""(holds, JSONPath below `$`, what was expected and found)"""

LONGEST_NAME = 128
LONGEST_WINDOW_HOURS = 24 * 90
LONGEST_DAYS = 20 * 365  # a replayed history may be as long as its data
MOST_METRICS = 10
"""Guardrails, and secondary metrics: what every look counts, in one batch of the warehouse's 40 statements."""
MOST_SEGMENTS = 3
MOST_VALUES = 20
"""Of a segment: what every look keeps."""
MOST_ARMS = 5
RESERVED_NAMES = frozenset({CONTROL, "none"})
"""The variants of whoever is in no arm."""
LEAST_CONTROL = 0.01

OWN_FIELDS: dict[str, frozenset[MetricKind]] = {
    "item_column": frozenset({"hit"}),
    "value_column": frozenset({"sum", "mean", "ratio"}),
    "cap": frozenset({"count", "sum", "mean"}),
    "start_hours": frozenset({"retention"}),
    "denominator": frozenset({"ratio"}),
    "covariate_hours": frozenset({"count", "sum"}),
}
"""Which kinds of metric each field is for; with any other it must be left out."""

NEEDED_FIELDS: dict[MetricKind, str] = {
    "hit": "item_column",
    "sum": "value_column",
    "mean": "value_column",
    "retention": "start_hours",
    "ratio": "denominator",
}


def validate_plan(plan: ExperimentPlan, *, find_dataset: FindDataset) -> None:
    """Return when the plan can be run; `find_dataset` looks a dataset of the workspace up by name.

    Raises:
        InvalidInputError: The first fault, with its path.
    """
    metrics = list_metrics(plan)
    _require(_check_arms(plan))
    _require(_check_numbers(plan))
    _require(_check_gates(plan.gates))
    _require(_check_segment(plan.segment))
    _require(_check_names(metrics))
    for path, metric in metrics:
        validate_metric(metric, path=path, find_dataset=find_dataset)
    _require(_check_segments(plan.segments, metrics, find_dataset=find_dataset))


def validate_metric(metric: Metric, *, path: str, find_dataset: FindDataset) -> None:
    """Return when the metric can be counted; `path` is its own, below `$`.

    Raises:
        InvalidInputError: The first fault, with its path.
    """
    _require(_check_fields(metric, path=path))
    _require(_check_hours(metric, path=path))
    _require(_check_columns(metric, path=path, find_dataset=find_dataset))


def list_metrics(plan: ExperimentPlan) -> list[tuple[str, Metric]]:
    """Return (path, metric) of the primary metric, then of each guardrail and of each secondary metric."""
    guardrails = [(f"guardrails[{index}].metric", guardrail.metric) for index, guardrail in enumerate(plan.guardrails)]
    return [("primary", plan.primary), *guardrails, *((f"secondary[{index}]", metric) for index, metric in enumerate(plan.secondary))]


def leaves_control(plan: ExperimentPlan, weights: Sequence[float]) -> bool:
    """Return whether control gets a part beside the arms: of several weights the rest may be what rounding leaves."""
    return sum(weights) <= 1.0 - LEAST_CONTROL if plan.arms else sum(weights) < 1.0


def _require(checks: Iterator[Check]) -> None:
    for holds, path, message in checks:
        if not holds:
            raise InvalidInputError(message, path=f"$.{path}")


def _check_numbers(plan: ExperimentPlan) -> Iterator[Check]:
    smallest = (1 + len(list_arms(plan))) * plan.gates.min_units_per_variant
    yield 0 < len(plan.name) <= LONGEST_NAME, "name", f"name must have 1 to {LONGEST_NAME} characters, got {len(plan.name)}"
    yield bool(plan.model), "model", "model must name a model of the workspace"
    yield 0.0 < plan.alpha <= 0.5, "alpha", f"alpha must be in (0, 0.5], got {plan.alpha}"  # noqa: PLR2004 - more is a coin toss
    yield 0.0 < plan.treatment_share < 1.0, "treatment_share", f"treatment_share must be in (0, 1), got {plan.treatment_share}"
    yield (
        plan.planned_units >= smallest,
        "planned_units",
        f"planned_units must allow every variant's gate, {smallest}, got {plan.planned_units}",
    )
    yield (
        max(1, plan.gates.min_days) <= plan.max_days <= LONGEST_DAYS,
        "max_days",
        f"max_days must be between gates.min_days ({plan.gates.min_days}, at least 1) and {LONGEST_DAYS}, got {plan.max_days}",
    )
    yield _check_size(plan.minimum_effect, plan.primary, path="minimum_effect")
    for index, guardrail in enumerate(plan.guardrails):
        yield _check_size(guardrail.margin, guardrail.metric, path=f"guardrails[{index}].margin")
    for name, metrics in (("guardrails", plan.guardrails), ("secondary", plan.secondary)):
        yield len(metrics) <= MOST_METRICS, name, f"must be at most {MOST_METRICS} metrics, got {len(metrics)}"


def _check_arms(plan: ExperimentPlan) -> Iterator[Check]:
    yield len(plan.arms) <= MOST_ARMS, "arms", f"must be at most {MOST_ARMS} arms, got {len(plan.arms)}"
    for place, arm in enumerate(plan.arms):
        before, path = plan.arms[:place], f"arms[{place}]"
        is_name = VARIANT_NAME.fullmatch(arm.name) is not None and arm.name not in RESERVED_NAMES
        yield is_name, f"{path}.name", f"an arm's name has 1 to 16 of a-z, 0-9, _ and -, and is not control or none, got {arm.name!r}"
        yield all(arm.name != other.name for other in before), f"{path}.name", f"arm {arm.name!r} is named twice"
        yield arm.weight > 0.0, f"{path}.weight", f"must be above 0, got {arm.weight}"
        yield all(arm.version != other.version for other in before), f"{path}.version", f"two arms are of version {arm.version}"
    is_left = leaves_control(plan, [arm.weight for arm in plan.arms])
    yield not plan.arms or is_left, "arms", f"the arms' weights must leave control at least {LEAST_CONTROL:g}"


def _check_size(size: float, metric: Metric, *, path: str) -> Check:
    """Return whether an effect of that size exists: shares differ by less than 1."""
    if metric.kind in BINARY_KINDS:
        return 0.0 <= size < 1.0, path, f"must be in [0, 1) for a metric of kind {metric.kind!r}, got {size}"
    return size >= 0.0 and isfinite(size), path, f"must be finite and not negative, got {size}"


def _check_gates(gates: Gates) -> Iterator[Check]:
    yield gates.min_units_per_variant >= 1, "gates.min_units_per_variant", f"must be at least 1, got {gates.min_units_per_variant}"
    yield (
        gates.min_conversions_per_variant >= 1,
        "gates.min_conversions_per_variant",
        f"must be at least 1, got {gates.min_conversions_per_variant}",
    )
    yield gates.min_days >= 0, "gates.min_days", f"must not be negative, got {gates.min_days}"
    yield 0.0 < gates.srm_threshold <= 0.1, "gates.srm_threshold", f"must be in (0, 0.1], got {gates.srm_threshold}"  # noqa: PLR2004 - more cries wolf
    yield 0.0 <= gates.max_crossover_share < 1.0, "gates.max_crossover_share", f"must be in [0, 1), got {gates.max_crossover_share}"


def _check_segment(part: LayerSegment | None) -> Iterator[Check]:
    if part is not None:
        is_name = 0 < len(part.layer) <= LONGEST_NAME and part.layer.isprintable()
        yield is_name, "segment.layer", f"a layer's name must have 1 to {LONGEST_NAME} printable characters"
        yield 0.0 <= part.start < part.end <= 1.0, "segment", f"must be 0 <= start < end <= 1, got [{part.start}, {part.end})"


def _check_segments(segments: tuple[UnitSegment, ...], metrics: list[tuple[str, Metric]], *, find_dataset: FindDataset) -> Iterator[Check]:
    yield len(segments) <= MOST_SEGMENTS, "segments", f"must be at most {MOST_SEGMENTS} segments, got {len(segments)}"
    seen = {source.key for _, metric in metrics for source in list_sources(metric)}
    for index, segment in enumerate(segments):
        path, key = f"segments[{index}]", build_segment_source(segment).key
        is_name = 0 < len(segment.name) <= LONGEST_NAME and segment.name.isprintable()
        yield is_name, f"{path}.name", f"a segment's name must have 1 to {LONGEST_NAME} printable characters"
        yield key not in seen, f"{path}.name", f"segment {segment.name!r} is named twice, or a metric is named {key!r}"
        seen.add(key)
        most = segment.most_values
        yield 1 <= most <= MOST_VALUES, f"{path}.most_values", f"must be in [1, {MOST_VALUES}], got {most}"
        dataset = find_dataset(segment.dataset)
        yield dataset is not None, f"{path}.dataset", f"the workspace has no dataset {segment.dataset!r}"
        columns = {column.name for column in dataset.columns} if dataset else set()
        yield segment.column in columns, f"{path}.column", f"must be a column of {segment.dataset!r}, got {segment.column!r}"


def _check_names(metrics: list[tuple[str, Metric]]) -> Iterator[Check]:
    seen: set[str] = set()
    for path, metric in metrics:
        yield 0 < len(metric.name) <= LONGEST_NAME, f"{path}.name", f"a metric's name must have 1 to {LONGEST_NAME} characters"
        yield metric.name.isprintable(), f"{path}.name", f"a metric's name must be printable, got {metric.name!r}"
        keys = {source.key for source in list_sources(metric)}
        yield keys.isdisjoint(seen), f"{path}.name", f"metric {metric.name!r} is named twice"
        seen |= keys


def _check_fields(metric: Metric, *, path: str) -> Iterator[Check]:
    for name, kinds in OWN_FIELDS.items():
        is_given = getattr(metric, name) not in {None, 0}
        allowed = ", ".join(sorted(kinds))
        yield not is_given or metric.kind in kinds, f"{path}.{name}", f"only metrics of kind {allowed} have a {name}"
    needed = NEEDED_FIELDS.get(metric.kind)
    if needed is not None:
        yield getattr(metric, needed) not in {None, 0, ""}, f"{path}.{needed}", f"a metric of kind {metric.kind!r} needs a {needed}"
    cap = metric.cap
    yield cap is None or (cap > 0.0 and isfinite(cap)), f"{path}.cap", f"must be finite and above 0, got {cap}"


def _check_hours(metric: Metric, *, path: str) -> Iterator[Check]:
    hours, start, before = metric.window_hours, metric.start_hours, metric.covariate_hours
    yield 0 < hours <= LONGEST_WINDOW_HOURS, f"{path}.window_hours", f"must be in [1, {LONGEST_WINDOW_HOURS}], got {hours}"
    yield 0 <= start < hours, f"{path}.start_hours", f"must be in [0, window_hours), got {start} of {hours}"
    yield 0 <= before <= LONGEST_WINDOW_HOURS, f"{path}.covariate_hours", f"must be in [0, {LONGEST_WINDOW_HOURS}], got {before}"


def _check_columns(metric: Metric, *, path: str, find_dataset: FindDataset) -> Iterator[Check]:
    own, *others = list_sources(metric)
    for place, source in ((path, own), *((f"{path}.denominator", other) for other in others)):
        dataset = find_dataset(source.dataset)
        yield dataset is not None, f"{place}.dataset", f"the workspace has no dataset {source.dataset!r}"
        types = {column.name: column.type for column in dataset.columns} if dataset else {}
        for name, column, expected in (("item_column", source.item_column, "string"), ("value_column", source.value_column, "number")):
            found = "missing" if column is None else types.get(column, "missing")
            holds = column is None or found == expected
            yield holds, f"{place}.{name}", f"must be a {expected} column of {source.dataset!r}, {column!r} is {found}"
