from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from presage.errors import InvalidInputError
from presage.experiments.model import Denominator, ExperimentPlan, Gates, Guardrail, LayerSegment, Metric, UnitSegment
from presage.experiments.plan import validate_plan
from presage.features.dataset import Column, Dataset

DATASET = Dataset(
    "ws", "ds", "purchases", "customer", (Column("item", "string"), Column("amount", "number")), datetime(2026, 1, 1, tzinfo=UTC)
)
BUYS = Metric("buys", "conversion", "purchases")
HIT = Metric("hit", "hit", "purchases", item_column="item")
KEPT = Metric("kept", "retention", "purchases", start_hours=24)
ORDERS = Metric("orders", "count", "purchases", cap=10)
SPENT = Metric("spent", "sum", "purchases", value_column="amount", cap=99.5, covariate_hours=720)
BASKET = Metric("basket", "mean", "purchases", value_column="amount")
RATE = Metric("rate", "ratio", "purchases", denominator=Denominator("purchases", "amount"))
TIER = UnitSegment("tier", "purchases", "amount")
PLAN = ExperimentPlan("e", "m", BUYS, planned_units=2000, guardrails=(Guardrail(HIT, 0.02),))


def validate(plan: ExperimentPlan) -> None:
    validate_plan(plan, find_dataset={"purchases": DATASET}.get)


def test_a_good_plan_passes() -> None:
    validate(PLAN)


@pytest.mark.parametrize("metric", [KEPT, ORDERS, SPENT, BASKET, RATE])
def test_every_kind_may_be_primary_guardrail_or_secondary(metric: Metric) -> None:
    validate(replace(PLAN, primary=metric))
    validate(replace(PLAN, guardrails=(Guardrail(metric, 0.5),)))
    validate(replace(PLAN, secondary=(metric,)))


def test_only_shares_have_effects_below_1() -> None:
    validate(replace(PLAN, primary=SPENT, minimum_effect=5.0, guardrails=(Guardrail(ORDERS, 2.0),)))


def test_units_may_be_told_apart_by_three_columns_of_any_type() -> None:
    validate(
        replace(PLAN, segments=(TIER, UnitSegment("item", "purchases", "item", most_values=1), UnitSegment("more", "purchases", "item")))
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"name": "n" * 129}, "$.name"),
        ({"model": ""}, "$.model"),
        ({"alpha": 0.0}, "$.alpha"),
        ({"alpha": 0.6}, "$.alpha"),
        ({"alpha": float("nan")}, "$.alpha"),
        ({"treatment_share": 0.0}, "$.treatment_share"),
        ({"treatment_share": 1.0}, "$.treatment_share"),
        ({"minimum_effect": -0.1}, "$.minimum_effect"),
        ({"segment": LayerSegment("", 0.0, 1.0)}, "$.segment.layer"),
        ({"segment": LayerSegment("l\x00", 0.0, 1.0)}, "$.segment.layer"),
        ({"segment": LayerSegment("l", 0.5, 0.5)}, "$.segment"),
        ({"segment": LayerSegment("l", -0.1, 0.5)}, "$.segment"),
        ({"segment": LayerSegment("l", 0.5, 1.1)}, "$.segment"),
        ({"segments": tuple(replace(TIER, name=str(index)) for index in range(4))}, "$.segments"),
        ({"segments": (replace(TIER, name=""),)}, "$.segments[0].name"),
        ({"segments": (replace(TIER, name="a\n"),)}, "$.segments[0].name"),
        ({"segments": (TIER, replace(TIER, column="item"))}, "$.segments[1].name"),
        ({"segments": (TIER,), "secondary": (replace(BUYS, name="tier/segment"),)}, "$.segments[0].name"),
        ({"segments": (replace(TIER, most_values=0),)}, "$.segments[0].most_values"),
        ({"segments": (replace(TIER, most_values=21),)}, "$.segments[0].most_values"),
        ({"segments": (replace(TIER, dataset="visits"),)}, "$.segments[0].dataset"),
        ({"segments": (replace(TIER, column="city"),)}, "$.segments[0].column"),
        ({"planned_units": 999}, "$.planned_units"),
        ({"max_days": 6}, "$.max_days"),
        ({"max_days": 7301}, "$.max_days"),
        ({"gates": Gates(min_units_per_variant=0)}, "$.gates.min_units_per_variant"),
        ({"gates": Gates(min_conversions_per_variant=0)}, "$.gates.min_conversions_per_variant"),
        ({"gates": Gates(min_days=-1)}, "$.gates.min_days"),
        ({"gates": Gates(srm_threshold=0.0)}, "$.gates.srm_threshold"),
        ({"gates": Gates(max_crossover_share=1.0)}, "$.gates.max_crossover_share"),
        ({"guardrails": (Guardrail(HIT, -0.1),)}, "$.guardrails[0].margin"),
        ({"guardrails": (Guardrail(HIT, 0.1), Guardrail(HIT, 0.1))}, "$.guardrails[1].metric.name"),
        ({"primary": replace(BUYS, name="")}, "$.primary.name"),
        ({"primary": replace(BUYS, name="a\nb")}, "$.primary.name"),
        ({"primary": replace(BUYS, dataset="visits")}, "$.primary.dataset"),
        ({"primary": replace(BUYS, window_hours=0)}, "$.primary.window_hours"),
        ({"primary": replace(BUYS, window_hours=2161)}, "$.primary.window_hours"),
        ({"primary": replace(BUYS, item_column="item")}, "$.primary.item_column"),
        ({"primary": replace(HIT, name="h", item_column=None)}, "$.primary.item_column"),
        ({"primary": replace(HIT, name="h", item_column="amount")}, "$.primary.item_column"),
        ({"primary": replace(HIT, name="h", item_column="nothing")}, "$.primary.item_column"),
        ({"minimum_effect": 1.0}, "$.minimum_effect"),
        ({"primary": SPENT, "minimum_effect": float("inf")}, "$.minimum_effect"),
        ({"guardrails": (Guardrail(ORDERS, float("nan")),)}, "$.guardrails[0].margin"),
        ({"guardrails": tuple(Guardrail(replace(HIT, name=str(index)), 0.1) for index in range(11))}, "$.guardrails"),
        ({"secondary": tuple(replace(HIT, name=str(index)) for index in range(11))}, "$.secondary"),
        ({"secondary": (BUYS,)}, "$.secondary[0].name"),
        ({"secondary": (RATE, replace(BUYS, name="rate/denominator"))}, "$.secondary[1].name"),
        ({"secondary": (KEPT, replace(KEPT, name="k", start_hours=0))}, "$.secondary[1].start_hours"),
        ({"primary": replace(KEPT, start_hours=72)}, "$.primary.start_hours"),
        ({"primary": replace(KEPT, start_hours=-1)}, "$.primary.start_hours"),
        ({"primary": replace(BUYS, start_hours=1)}, "$.primary.start_hours"),
        ({"primary": replace(BUYS, value_column="amount")}, "$.primary.value_column"),
        ({"primary": replace(ORDERS, value_column="amount")}, "$.primary.value_column"),
        ({"primary": replace(SPENT, value_column=None)}, "$.primary.value_column"),
        ({"primary": replace(SPENT, value_column="")}, "$.primary.value_column"),
        ({"primary": replace(SPENT, value_column="item")}, "$.primary.value_column"),
        ({"primary": replace(BASKET, value_column="nothing")}, "$.primary.value_column"),
        ({"primary": replace(SPENT, cap=0.0)}, "$.primary.cap"),
        ({"primary": replace(SPENT, cap=float("inf"))}, "$.primary.cap"),
        ({"primary": replace(RATE, cap=1.0)}, "$.primary.cap"),
        ({"primary": replace(SPENT, covariate_hours=-1)}, "$.primary.covariate_hours"),
        ({"primary": replace(SPENT, covariate_hours=2161)}, "$.primary.covariate_hours"),
        ({"primary": replace(BASKET, covariate_hours=24)}, "$.primary.covariate_hours"),
        ({"primary": replace(RATE, denominator=None)}, "$.primary.denominator"),
        ({"primary": replace(SPENT, denominator=Denominator("purchases"))}, "$.primary.denominator"),
        ({"primary": replace(RATE, denominator=Denominator("visits"))}, "$.primary.denominator.dataset"),
        ({"primary": replace(RATE, denominator=Denominator("purchases", "item"))}, "$.primary.denominator.value_column"),
    ],
)
def test_a_fault_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate(replace(PLAN, **changes))
    assert caught.value.path == path
