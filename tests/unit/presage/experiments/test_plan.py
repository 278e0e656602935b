from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from presage.errors import InvalidInputError
from presage.experiments.model import ExperimentPlan, Gates, Guardrail, Metric
from presage.experiments.plan import validate_plan
from presage.features.dataset import Column, Dataset

DATASET = Dataset(
    "ws", "ds", "purchases", "customer", (Column("item", "string"), Column("amount", "number")), datetime(2026, 1, 1, tzinfo=UTC)
)
BUYS = Metric("buys", "conversion", "purchases")
HIT = Metric("hit", "hit", "purchases", item_column="item")
PLAN = ExperimentPlan("e", "m", BUYS, planned_units=2000, guardrails=(Guardrail(HIT, 0.02),))


def validate(plan: ExperimentPlan) -> None:
    validate_plan(plan, find_dataset={"purchases": DATASET}.get)


def test_a_good_plan_passes() -> None:
    validate(PLAN)


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
    ],
)
def test_a_fault_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        validate(replace(PLAN, **changes))
    assert caught.value.path == path
