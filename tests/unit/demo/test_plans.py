"""What the scenarios ask the platform to run, it accepts."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from demo import cdnow, movielens, simulated
from demo.scenario import Scenario
from presage.experiments.model import ExperimentPlan
from presage.experiments.plan import validate_plan
from presage.features.dataset import Column, ColumnType, Dataset


def build_datasets(scenario: Scenario) -> dict[str, Dataset]:
    return {
        plan.name: Dataset(
            "ws",
            plan.name,
            plan.name,
            plan.entity,
            tuple(Column(name, msgspec.convert(column, ColumnType)) for name, column in plan.columns.items()),
            datetime(2026, 1, 1, tzinfo=UTC),
        )
        for plan in scenario.datasets
    }


def build_simulated() -> Scenario:
    return simulated.build_scenario(simulated.MOVED, simulated.draw_shoppers(simulated.MOVED))


@pytest.mark.parametrize("build_scenario", [movielens.build_scenario, cdnow.build_scenario, build_simulated])
def test_the_experiment_is_a_valid_plan_that_outlasts_the_replay(build_scenario: Callable[[], Scenario]) -> None:
    scenario = build_scenario()

    plan = msgspec.convert(scenario.experiment, ExperimentPlan)

    validate_plan(plan, find_dataset=build_datasets(scenario).get)
    assert plan.max_days >= (scenario.visits[-1].at - scenario.visits[0].at).days
