"""Whole experiments on memory adapters: what is decided, kept and moved."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from presage.adapters.memory.traffic_switch import MemoryTrafficSwitch
from presage.errors import ConflictError, InvalidInputError, NotFoundError
from presage.experiments.model import Assignment, Denominator, Experiment, ExperimentPlan, Metric, Traffic
from presage.experiments.operations import start_experiment
from presage.experiments.use_cases import analyse_experiment
from presage.progress import ignore_progress
from tests.fixtures.experiment_world import BEGIN, BUYS, DAY, GUARDED, LATER, NOW, ORDER, PLAN, VISITS, World, detail_of
from tests.fixtures.metadata_rows import make_user


def test_a_clear_gain_ships_the_model() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    look = world.analyse()
    assert look.decision == "concluded_ship"
    assert world.state == "concluded_ship"
    assert world.traffic_moves == ["model"]
    detail = detail_of(look)
    assert detail.primary.running_interval is not None
    assert detail.primary.running_interval.lower > 0
    assert (detail.primary.counted.treatment.units, detail.primary.counted.treatment.conversions) == (1000, 250)
    assert detail.primary.p_value < 0.05
    assert all(gate.passed for gate in detail.gates)
    assert detail.primary.counted.sql
    assert look.detail == msgspec.json.decode(msgspec.json.encode(look.detail))


def test_a_clear_loss_rolls_back_before_the_seventh_day() -> None:
    world = World()
    world.run(control=(1000, 250), treatment=(1000, 100))
    look = world.analyse(BEGIN + 4 * DAY)
    assert look.decision == "concluded_rollback"
    assert world.traffic_moves == ["default"]


def test_a_clear_gain_waits_for_the_seventh_day() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    assert world.analyse(BEGIN + 7 * DAY - timedelta(seconds=1)).decision == "running"
    assert world.traffic_moves == []
    assert world.analyse(BEGIN + 7 * DAY).decision == "concluded_ship"


@pytest.mark.parametrize(("control", "treatment"), [((499, 100), (499, 250)), ((1000, 24), (1000, 250))])
def test_too_few_units_or_conversions_decide_nothing(control: tuple[int, int], treatment: tuple[int, int]) -> None:
    world = World()
    world.run(control=control, treatment=treatment)
    look = world.analyse()
    assert look.decision == "running"
    assert detail_of(look).primary.running_interval is None
    assert "min_" in detail_of(look).reason


def test_a_mismatched_split_pauses_and_cannot_conclude() -> None:
    world = World()
    world.run(control=(700, 70), treatment=(1300, 400))
    assert world.analyse().decision == "paused_srm"
    assert world.state == "paused_srm"
    world.run(control=(1000, 100), treatment=(400, 100), at=BEGIN + DAY)
    assert world.analyse(LATER + DAY).decision == "paused_srm"
    assert world.traffic_moves == []
    assert len(world.store.list_looks("ws", world.experiment.experiment_id)) == 2


def test_revenue_decides_and_secondary_metrics_only_tell() -> None:
    """Treatment's buyers are as many and spend twice as much; that fewer of them come back is reported and holds nothing back."""
    spent = Metric("spent", "sum", "purchases", value_column="amount", cap=100.0)
    fewer = Metric("visits", "count", "visits")
    basket = Metric("basket", "ratio", "purchases", value_column="amount", denominator=Denominator("visits"))
    world = World(replace(PLAN, primary=spent, secondary=(fewer, basket), minimum_effect=2.0))
    control, treatment = world.meet("control", 1000), world.meet("treatment", 1000)
    world.land([*control[:300], *treatment[:300]], amounts=[10.0] * 300 + [20.0] * 299 + [1e9])
    world.land([*control[:800], *treatment[:300]], VISITS)
    look = world.analyse()
    detail = detail_of(look)
    assert (look.decision, world.traffic_moves) == ("concluded_ship", ["model"])
    assert detail.primary.estimate is not None
    assert detail.primary.estimate.value == pytest.approx((299 * 20 + 100 - 3000) / 1000)
    visits, found = detail.secondary
    assert visits.estimate is not None
    assert visits.estimate.value == pytest.approx(-0.5)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx((299 * 20 + 1e9) / 300 - 3000 / 800)
    assert detail.discoveries == ("visits",)
    assert found.counted.denominator_version == 1


def test_futility_ends_without_a_winner() -> None:
    world = World(replace(PLAN, minimum_effect=0.2, planned_units=6000))
    world.run(control=(2000, 400), treatment=(2000, 400))
    look = world.analyse()
    assert look.decision == "concluded_inconclusive"
    assert "minimum effect" in detail_of(look).reason
    assert world.traffic_moves == []


@pytest.mark.parametrize(
    ("plan", "as_of", "reason"),
    [(PLAN, BEGIN + 90 * DAY, "maximum of 90 days"), (replace(PLAN, planned_units=2000), LATER, "all 2000 planned units")],
)
def test_an_experiment_without_difference_ends(plan: ExperimentPlan, as_of: datetime, reason: str) -> None:
    world = World(plan)
    world.run(control=(1000, 100), treatment=(1000, 102))
    look = world.analyse(as_of)
    assert look.decision == "concluded_inconclusive"
    assert reason in detail_of(look).reason


def test_no_data_keeps_running() -> None:
    world = World()
    look = world.analyse()
    assert (look.decision, look.number) == ("running", 1)
    assert detail_of(look).primary.inconclusive == "an arm has no units"
    assert detail_of(look).exposures.first_exposure is None


def test_a_guardrail_holds_shipping_back() -> None:
    world = World(GUARDED)
    world.run(control=(1000, 100), treatment=(1000, 250))
    look = world.analyse()
    assert look.decision == "running"
    assert [gate.name for gate in detail_of(look).gates if not gate.passed] == ["guardrail visits"]


@pytest.mark.parametrize(("treated", "decision"), [(900, "concluded_ship"), (300, "concluded_rollback")])
def test_a_guardrail_decides_with_the_primary(treated: int, decision: str) -> None:
    world = World(GUARDED)
    control, treatment = world.meet("control", 1000), world.meet("treatment", 1000)
    world.land([*control[:100], *treatment[:250]])
    world.land([*control[:800], *treatment[:treated]], VISITS)
    assert world.analyse().decision == decision


@pytest.mark.parametrize(("control", "treated", "decision"), [(800, 300, "concluded_rollback"), (20, 0, "running")])
def test_a_breached_guardrail_does_not_wait_for_the_primary_but_for_its_own_size(control: int, treated: int, decision: str) -> None:
    slow = replace(GUARDED, primary=replace(BUYS, window_hours=24 * 90))
    world = World(slow)
    units = world.meet("control", 1000), world.meet("treatment", 1000)
    world.land([*units[0][:control], *units[1][:treated]], VISITS)
    look = world.analyse(BEGIN + 4 * DAY)
    assert look.decision == decision
    assert detail_of(look).primary.counted.control.units == 0


def test_why_an_experiment_keeps_running_is_said() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 105))
    assert detail_of(world.analyse()).reason == "keep running: the interval still contains 0"


def test_looks_that_contradict_each_other_conclude_nothing_and_are_said_to() -> None:
    world = World(replace(PLAN, planned_units=100_000, gates=replace(PLAN.gates, srm_threshold=1e-9)))
    world.run(control=(1000, 100), treatment=(1000, 400))
    world.analyse(BEGIN + 4 * DAY)
    world.run(control=(9000, 9000), treatment=(9000, 100), at=BEGIN + DAY)
    look = world.analyse()
    assert look.decision == "running"
    assert "contradict each other" in detail_of(look).reason


def test_the_running_interval_keeps_what_earlier_looks_knew() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 130))
    first = detail_of(world.analyse(BEGIN + 4 * DAY))
    world.run(control=(1000, 150), treatment=(1000, 130), at=BEGIN + 2 * DAY)
    second = detail_of(world.analyse(BEGIN + 6 * DAY))
    assert first.primary.running_interval is not None
    assert second.primary.running_interval is not None
    assert second.primary.interval is not None
    assert second.primary.running_interval.lower == max(first.primary.running_interval.lower, second.primary.interval.lower)
    assert second.primary.running_interval.upper == min(first.primary.running_interval.upper, second.primary.interval.upper)
    assert second.primary.p_value <= first.primary.p_value


def test_crossovers_are_left_out_and_warned_of() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    both = world.meet("control", 30)
    world.warehouse.load_assignments(
        [Assignment("ws", world.experiment.experiment_id, f"again-{unit}", unit, "treatment", BEGIN + DAY, 3, ()) for unit in both]
    )
    look = world.analyse()
    assert look.decision == "concluded_ship"
    assert detail_of(look).warnings == ("30 of 2030 units met both variants and are excluded",)
    assert detail_of(look).sample_ratio.units == (1000, 1000)


def test_a_concluded_experiment_answers_its_last_look() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    look = world.analyse()
    world.run(control=(1000, 900), treatment=(1000, 100))
    assert world.analyse(LATER + DAY) == look
    assert world.traffic_moves == ["model"]


class CrashedError(Exception):
    """The process died here."""


class DyingTraffic:
    """Dies before or after the switch, once."""

    def __init__(self, inner: MemoryTrafficSwitch, *, after: bool) -> None:
        self._inner, self._after = inner, after

    def switch_traffic(self, experiment: Experiment, *, to: Traffic, version: int | None, reason: str, now: datetime) -> None:
        if self._after:
            self._inner.switch_traffic(experiment, to=to, version=version, reason=reason, now=now)
        raise CrashedError


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_between_the_steps_of_a_conclusion_is_repaired(after: bool) -> None:  # noqa: FBT001 - a test parameter
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 250))
    with pytest.raises(CrashedError):
        world.analyse(ports=replace(world.ports, traffic=DyingTraffic(world.traffic, after=after)))
    assert world.state == "running"
    world.run(control=(1000, 900), treatment=(1000, 0), at=BEGIN + DAY)
    assert world.analyse(LATER + DAY).decision == "concluded_ship"
    assert (world.state, world.traffic_moves) == ("concluded_ship", ["model"])
    assert len(world.store.list_looks("ws", world.experiment.experiment_id)) == 1


def test_time_runs_forward_and_not_into_the_future() -> None:
    world = World()
    world.analyse(LATER)
    for as_of in (LATER - DAY, NOW + DAY, LATER.replace(tzinfo=None)):
        with pytest.raises(InvalidInputError) as caught:
            world.analyse(as_of)
        assert caught.value.path == "$.as_of"


def test_one_experiment_of_a_model_runs_at_a_time() -> None:
    world = World()
    second, other = world.create(replace(PLAN, name="second")), world.create(replace(PLAN, name="other"), "mdl_2")
    with pytest.raises(ConflictError, match=world.experiment.experiment_id):
        world.start(second)
    assert world.start(other).state == "running"
    world.stop()
    started = world.start(second)
    assert (started.state, started.started_at) == ("running", NOW)


def test_a_draft_or_a_stopped_experiment_cannot_be_analysed_or_started_again() -> None:
    world = World()
    draft = world.create(replace(PLAN, name="draft"))
    with pytest.raises(ConflictError, match="start it first"):
        analyse_experiment("ws", draft.experiment_id, as_of=LATER, now=NOW, ports=world.ports, progress=ignore_progress)
    for _ in range(2):
        world.stop()
    with pytest.raises(ConflictError, match="without a look"):
        world.analyse()
    with pytest.raises(ConflictError, match="only a draft"):
        world.start()


def test_another_workspace_finds_no_experiment() -> None:
    world = World()
    with pytest.raises(NotFoundError):
        start_experiment(world.experiment.experiment_id, order=replace(ORDER, by=make_user("ws_2")), ports=world.operators)


def test_a_plan_that_cannot_run_is_not_kept() -> None:
    world = World()
    with pytest.raises(InvalidInputError):
        world.create(replace(PLAN, name="bad", alpha=2.0))
    assert len(world.store.list_experiments("ws")) == 1
