"""A plan as the form of a new experiment asks for it: one treatment, one metric; the rest has what it is without saying."""

from __future__ import annotations

from typing import Literal

import msgspec

from presage.errors import InvalidInputError, PresageError
from presage.experiments.model import ControlPolicy, ExperimentPlan, Gates, Metric
from presage.experiments.planning import Outlook
from services.backend.bodies import BaselineBody, OutlookBody

FORM_KINDS = (
    ("conversion", "Conversion: did the unit have a record?"),
    ("hit", "Hit: did it take what it was shown?"),
    ("retention", "Retention: did it come back later?"),
    ("count", "Count: how many records?"),
    ("sum", "Sum: of a column, such as money spent"),
    ("mean", "Mean: of a column"),
)
FormKind = Literal["conversion", "hit", "retention", "count", "sum", "mean"]
SUGGESTED_DAYS = 28
FIELDS = {
    "$.primary.name": "$.metric",
    "$.gates.min_days": "$.min_days",
    "$.baseline": "$.baseline_mean",
    "$.baseline.mean": "$.baseline_mean",
    "$.baseline.variance": "$.baseline_variance",
    "$.control_policy": "$.control_policy",
}
"""The form's field of a fault's place, where it is not the last name of it."""


class PlanForm(msgspec.Struct, frozen=True):
    """What the form asks for. `effect`, `power`, `units_a_day` and the baseline are for the outlook alone."""

    model: str
    name: str
    metric: str
    kind: FormKind
    dataset: str
    control_policy: ControlPolicy = "default"
    window_hours: int = 72
    start_hours: int = 0
    value_column: str | None = None
    item_column: str | None = None
    treatment_share: float = 0.5
    minimum_effect: float = 0.0
    alpha: float = 0.05
    min_days: int = 7
    max_days: int = 90
    planned_units: int | None = None
    effect: float | None = None
    power: float = 0.8
    units_a_day: float | None = None
    baseline_mean: float | None = None
    baseline_variance: float | None = None


def build_plan(form: PlanForm, planned_units: int) -> ExperimentPlan:
    """Return the plan that the form describes."""
    return ExperimentPlan(
        name=form.name,
        model=form.model,
        primary=build_metric(form),
        planned_units=planned_units,
        control_policy=form.control_policy,
        treatment_share=form.treatment_share,
        alpha=form.alpha,
        minimum_effect=form.minimum_effect,
        max_days=form.max_days,
        gates=Gates(min_days=form.min_days),
    )


def build_outlook_body(form: PlanForm) -> OutlookBody:
    """Return the question what is to be expected of it.

    Raises:
        InvalidInputError: A number that has to be above 0 is not, or there is a variance without a mean.
    """
    for name in ("units_a_day", "baseline_variance"):
        given = getattr(form, name)
        if given is not None and not given > 0.0:
            raise InvalidInputError(f"it has to be above 0, got {given:g}", path=f"$.{name}")
    if form.baseline_variance is not None and form.baseline_mean is None:
        raise InvalidInputError("a variance needs its mean", path="$.baseline_mean")
    return OutlookBody(
        model=form.model,
        primary=build_metric(form),
        effect=form.effect,
        alpha=form.alpha,
        power=form.power,
        treatment_share=form.treatment_share,
        min_days=form.min_days,
        baseline=None if form.baseline_mean is None else BaselineBody(form.baseline_mean, form.baseline_variance),
        units_a_day=form.units_a_day,
    )


def build_metric(form: PlanForm) -> Metric:
    """Return the primary metric."""
    return Metric(
        name=form.metric,
        kind=form.kind,
        dataset=form.dataset,
        window_hours=form.window_hours,
        item_column=form.item_column,
        value_column=form.value_column,
        start_hours=form.start_hours,
    )


def suggest_units(outlook: Outlook | None) -> int:
    """Return how many units to plan: what the effect needs or, without one, what four weeks bring; never too few for the gates."""
    least = 2 * Gates().min_units_per_variant
    if outlook is None:
        return least
    if outlook.need is not None:
        return max(least, outlook.need.planned_units)
    return max([least, *(each.planned_units for each in outlook.durations if each.days == SUGGESTED_DAYS)])


def place_fault(error: PresageError) -> PresageError:
    """Return the error with the form's field in the place of the plan's."""
    path = error.path if isinstance(error, InvalidInputError) else None
    if path is None:
        return error
    placed = FIELDS.get(path) or f"$.{path.rpartition('.')[2]}"
    return InvalidInputError(str(error), path=placed)
