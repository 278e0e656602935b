from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from presage.experiments.certification.certify import BATCH, Task, list_tasks, run_task
from presage.experiments.certification.mismatch import certify_sample_ratio
from presage.experiments.certification.scenarios import SCENARIOS
from presage.experiments.certification.simulation import Outcomes
from presage.experiments.certification.verdict import Promise, Share, join, judge
from presage.experiments.model import State

PROMISE = Promise(alpha=0.05, power=0.8, planned_days=6.0, arms=("a",))


def end(decisions: Sequence[State], look: int, covered: int = 100) -> Outcomes:
    shipped = tuple("a" if decision == "concluded_ship" else None for decision in decisions)
    return Outcomes(tuple(decisions), (look,) * 100, (True,) * covered + (False,) * (100 - covered), shipped)


CLEAN = end(("concluded_inconclusive",) * 97 + ("concluded_ship", "concluded_rollback", "paused_srm"), 335)
SHIPPED = end(("concluded_ship",) * 80 + ("concluded_inconclusive",) * 20, 167)
LOST = end(("concluded_ship",) * 60 + ("concluded_inconclusive",) * 40, 167, covered=80)


def test_a_finding_counts_wrong_conclusions_coverage_power_and_days() -> None:
    found = judge("x", without_effect=CLEAN, with_effect=SHIPPED, promise=PROMISE)
    assert [share.count for share in found.shares] == [2, 100, 100, 80]
    assert found.days == pytest.approx(7.0)
    assert found.holds


def test_a_product_that_errs_too_often_is_not_certified() -> None:
    found = judge("x", without_effect=LOST, with_effect=LOST, promise=PROMISE)
    assert [share.holds for share in found.shares] == [False, False, False, False]
    assert not found.holds


def test_shipping_a_wrong_arm_is_an_error_and_no_power() -> None:
    wrong = replace(SHIPPED, shipped=("b",) * 20 + SHIPPED.shipped[20:])
    found = judge("x", without_effect=CLEAN, with_effect=wrong, promise=replace(PROMISE, arms=("a", "b")))
    assert [(share.name, share.count) for share in found.shares if not share.holds] == [("power", 60), ("another arm", 20)]


@pytest.mark.parametrize(("count", "holds"), [(100, True), (121, True), (122, False)])
def test_a_share_may_be_three_errors_beyond_its_bound(count: int, holds: bool) -> None:  # noqa: FBT001 - expected value
    """Of 200 runs at a bound of a half: three errors are 21.2 runs."""
    assert Share("x", count, 200, 0.5, "at most").holds == holds
    assert Share("x", 200 - count, 200, 0.5, "at least").holds == holds


def test_tasks_cover_every_scenario_and_run_once() -> None:
    tasks = list_tasks(runs=2 * BATCH + 1, seed=3)
    assert tasks[0] == Task(None, False, 0, 5 * (2 * BATCH + 1), 3)
    for index in range(len(SCENARIOS)):
        for with_effect in (False, True):
            mine = [task for task in tasks if (task.scenario, task.with_effect) == (index, with_effect)]
            assert [task.runs for task in mine] == [BATCH, BATCH, 1]
            assert [task.batch for task in mine] == [0, 1, 2]
    with pytest.raises(ValueError, match="runs must be positive"):
        list_tasks(runs=0, seed=3)


def test_the_same_task_gives_the_same_and_another_batch_another() -> None:
    one, again, other = (run_task(Task(4, True, batch, 5, 7)) for batch in (0, 0, 1))
    assert isinstance(one, Outcomes)
    assert one == again != other


def test_joining_keeps_every_run() -> None:
    assert len(join([CLEAN, SHIPPED]).decisions) == 200


def test_a_mismatch_of_one_percent_is_found_and_a_clean_split_is_not_paused() -> None:
    found = certify_sample_ratio(runs=200, generator=np.random.default_rng(1))
    paused, mismatched = found.shares
    assert paused.count <= 1
    assert mismatched.count >= 195
    assert found.days is not None
    assert 1.0 < found.days < 14.0
