"""What a plan must satisfy before it may be kept: every fault is named by the JSONPath of its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from presage.errors import InvalidInputError
from presage.experiments.model import ExperimentPlan, Gates, Metric
from presage.features.dataset import Dataset

FindDataset = Callable[[str], Dataset | None]
Check = tuple[bool, str, str]
"""(holds, JSONPath below `$`, what was expected and found)"""

LONGEST_NAME = 128
LONGEST_WINDOW_HOURS = 24 * 90
LONGEST_DAYS = 20 * 365  # a replayed history may be as long as its data


def validate_plan(plan: ExperimentPlan, *, find_dataset: FindDataset) -> None:
    """Return when the plan can be run; `find_dataset` looks a dataset of the workspace up by name.

    Raises:
        InvalidInputError: The first fault, with its path.
    """
    metrics = list_metrics(plan)
    _require(_check_numbers(plan))
    _require(_check_gates(plan.gates))
    _require(_check_names(metrics))
    for path, metric in metrics:
        _require(_check_metric(metric, path=path, dataset=find_dataset(metric.dataset)))


def list_metrics(plan: ExperimentPlan) -> list[tuple[str, Metric]]:
    """Return (path, metric) of the primary metric and then of each guardrail."""
    guardrails = [(f"guardrails[{index}].metric", guardrail.metric) for index, guardrail in enumerate(plan.guardrails)]
    return [("primary", plan.primary), *guardrails]


def _require(checks: Iterator[Check]) -> None:
    for holds, path, message in checks:
        if not holds:
            raise InvalidInputError(message, path=f"$.{path}")


def _check_numbers(plan: ExperimentPlan) -> Iterator[Check]:
    smallest = 2 * plan.gates.min_units_per_variant
    yield 0 < len(plan.name) <= LONGEST_NAME, "name", f"name must have 1 to {LONGEST_NAME} characters, got {len(plan.name)}"
    yield bool(plan.model), "model", "model must name a model of the workspace"
    yield 0.0 < plan.alpha <= 0.5, "alpha", f"alpha must be in (0, 0.5], got {plan.alpha}"  # noqa: PLR2004 - more is a coin toss
    yield 0.0 < plan.treatment_share < 1.0, "treatment_share", f"treatment_share must be in (0, 1), got {plan.treatment_share}"
    yield 0.0 <= plan.minimum_effect < 1.0, "minimum_effect", f"minimum_effect must be in [0, 1), got {plan.minimum_effect}"
    yield (
        plan.planned_units >= smallest,
        "planned_units",
        f"planned_units must allow both variants' gate, {smallest}, got {plan.planned_units}",
    )
    yield (
        max(1, plan.gates.min_days) <= plan.max_days <= LONGEST_DAYS,
        "max_days",
        f"max_days must be between gates.min_days ({plan.gates.min_days}, at least 1) and {LONGEST_DAYS}, got {plan.max_days}",
    )
    for index, guardrail in enumerate(plan.guardrails):
        yield 0.0 <= guardrail.margin < 1.0, f"guardrails[{index}].margin", f"margin must be in [0, 1), got {guardrail.margin}"


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


def _check_names(metrics: list[tuple[str, Metric]]) -> Iterator[Check]:
    seen: set[str] = set()
    for path, metric in metrics:
        yield 0 < len(metric.name) <= LONGEST_NAME, f"{path}.name", f"a metric's name must have 1 to {LONGEST_NAME} characters"
        yield metric.name.isprintable(), f"{path}.name", f"a metric's name must be printable, got {metric.name!r}"
        yield metric.name not in seen, f"{path}.name", f"metric {metric.name!r} is named twice"
        seen.add(metric.name)


def _check_metric(metric: Metric, *, path: str, dataset: Dataset | None) -> Iterator[Check]:
    hours = metric.window_hours
    yield 0 < hours <= LONGEST_WINDOW_HOURS, f"{path}.window_hours", f"must be in [1, {LONGEST_WINDOW_HOURS}], got {hours}"
    yield dataset is not None, f"{path}.dataset", f"the workspace has no dataset {metric.dataset!r}"
    if metric.kind == "conversion":
        yield metric.item_column is None, f"{path}.item_column", "only a metric of kind 'hit' has an item_column"
        return
    yield bool(metric.item_column), f"{path}.item_column", "a metric of kind 'hit' needs the item_column that names the item taken"
    types = {column.name: column.type for column in dataset.columns} if dataset else {}
    found = types.get(metric.item_column or "")
    yield (
        found == "string",
        f"{path}.item_column",
        f"must be a string column of {metric.dataset!r}, {metric.item_column!r} is {found or 'missing'}",
    )
