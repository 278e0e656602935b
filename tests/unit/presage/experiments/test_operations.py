"""What operators do is recorded, and moves an experiment's limits, never its statistics."""

from dataclasses import replace

import pytest

from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError
from presage.experiments.events import ExperimentEvent, Limits, compute_limits
from presage.experiments.holdout import set_holdout
from presage.experiments.model import Experiment, ExperimentPlan, LayerSegment
from presage.experiments.operations import Extension, Order, extend_experiment, start_experiment
from presage.training.model import AliasMove
from tests.fixtures.experiment_world import ANN, BEGIN, BOB, DAY, NOW, ORDER, PLAN, World, detail_of


def extend(world: World, extension: Extension, reason: str = "a holiday") -> None:
    order = Order(BOB, reason, NOW)
    extend_experiment(world.experiment.experiment_id, extension=extension, order=order, ports=world.operators)


def list_events(world: World) -> list[ExperimentEvent]:
    return list(world.events.list_events("ws", world.experiment.experiment_id))


def test_starting_and_stopping_are_recorded_once_with_who_and_why() -> None:
    world = World()
    world.start()
    world.stop()
    world.stop()

    experiment_id = world.experiment.experiment_id
    assert list_events(world) == [
        ExperimentEvent("ws", experiment_id, number, kind, ORDER.now, ANN.user_id, ORDER.reason)  # type: ignore[arg-type] # the literals below
        for number, kind in ((1, "started"), (2, "stopped"))
    ]


def test_an_extension_moves_the_limits_and_leaves_the_sequence_as_it_was_tuned() -> None:
    world = World(replace(PLAN, planned_units=2000))
    world.run(control=(1000, 100), treatment=(1000, 102))
    before = detail_of(world.analyse(BEGIN + 4 * DAY))
    extend(world, Extension(days=10, units=1000))
    after = detail_of(world.analyse())

    assert (before.limits, after.limits) == (Limits(90, 2000), Limits(100, 3000))
    assert after.mixture == before.mixture
    assert world.state == "running"


@pytest.mark.parametrize(
    ("extension", "as_of", "reason"),
    [(Extension(units=500), BEGIN + 90 * DAY, "maximum of 90 days"), (Extension(days=9), BEGIN + 9 * DAY, "all 2000 planned units")],
)
def test_one_limit_is_not_extended_by_the_other(extension: Extension, as_of: object, reason: str) -> None:
    world = World(replace(PLAN, planned_units=2000))
    world.run(control=(1000, 100), treatment=(1000, 102))
    extend(world, extension)
    look = world.analyse(as_of)  # type: ignore[arg-type] # a moment

    assert look.decision == "concluded_inconclusive"
    assert reason in detail_of(look).reason


def test_extensions_add_up() -> None:
    world = World()
    extend(world, Extension(days=1))
    extend(world, Extension(days=2, units=3))

    assert compute_limits(PLAN, list_events(world)) == Limits(93, 4003)


@pytest.mark.parametrize(
    ("extension", "reason", "path"),
    [
        (Extension(), "why", "$"),
        (Extension(days=-1), "why", "$.days"),
        (Extension(days=20 * 365), "why", "$.days"),
        (Extension(units=-1), "why", "$.units"),
        (Extension(units=10**10), "why", "$.units"),
        (Extension(days=1), " ", "$.reason"),
        (Extension(days=1), "x" * 501, "$.reason"),
    ],
)
def test_an_extension_that_cannot_be_is_not_recorded(extension: Extension, reason: str, path: str) -> None:
    world = World()
    with pytest.raises(InvalidInputError) as caught:
        extend(world, extension, reason)
    assert caught.value.path == path
    assert [event.kind for event in list_events(world)] == ["started"]


def test_a_draft_and_what_has_ended_cannot_be_extended() -> None:
    world = World()
    draft = world.create(replace(PLAN, name="draft"), "mdl_2")
    with pytest.raises(ConflictError, match="draft"):
        extend_experiment(draft.experiment_id, extension=Extension(days=1), order=ORDER, ports=world.operators)
    world.stop()
    with pytest.raises(ConflictError, match="stopped_by_user"):
        extend(world, Extension(days=1))


def test_a_mismatched_split_stays_paused_whatever_is_added() -> None:
    world = World()
    world.run(control=(700, 70), treatment=(1300, 400))
    assert world.analyse().decision == "paused_srm"
    extend(world, Extension(days=100, units=10**6))
    world.run(control=(1600, 160), treatment=(1000, 100), at=BEGIN + DAY)

    assert world.analyse().decision == "paused_srm"
    with pytest.raises(ConflictError, match="stop it first"):
        start_experiment(world.create(replace(PLAN, name="again")).experiment_id, order=ORDER, ports=world.operators)
    assert world.stop().state == "stopped_by_user"


COMPARED = replace(PLAN, name="versions", control_policy="previous_version")


def start_compared(world: World, *served: int, control_version: int | None = None) -> Experiment:
    """Start an experiment against an earlier version of a model whose production alias moved through `served`."""
    for version in served:
        world.versions.append_alias_move(AliasMove("ws", "mdl_2", "production", version, "model", "built", NOW))
    draft = world.create(COMPARED, "mdl_2")
    return start_experiment(draft.experiment_id, order=ORDER, ports=world.operators, control_version=control_version)


@pytest.mark.parametrize(("served", "wanted", "control"), [((1, 2), None, 1), ((1, 3, 2), None, 1), ((1, 2, 3), 1, 1), ((1, 3, 2), 3, 3)])
def test_the_control_gets_the_version_before_or_the_one_asked_for(served: tuple[int, ...], wanted: int | None, control: int) -> None:
    world = World()
    started = start_compared(world, *served, control_version=wanted)
    assert (started.state, started.control_version) == ("running", control)
    assert world.store.get_experiment("ws", started.experiment_id) == started


@pytest.mark.parametrize(("served", "message"), [((), "in production yet"), ((2,), "before version 2"), ((2, 1), "before version 1")])
def test_without_an_earlier_version_there_is_no_control(served: tuple[int, ...], message: str) -> None:
    world = World()
    with pytest.raises(ConflictError, match=message):
        start_compared(world, *served)
    assert [found.state for found in world.store.list_experiments("ws") if found.model_id == "mdl_2"] == ["draft"]


@pytest.mark.parametrize(("wanted", "message"), [(9, "these were: 1, 2"), (2, "serves now")])
def test_a_control_that_compares_nothing_is_refused(wanted: int, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        start_compared(World(), 1, 2, control_version=wanted)
    assert caught.value.path == "$.control_version"


def test_only_one_policy_has_a_version() -> None:
    world = World()
    draft = world.create(replace(PLAN, name="other"), "mdl_2")
    with pytest.raises(InvalidInputError, match="'default'") as caught:
        start_experiment(draft.experiment_id, order=ORDER, ports=world.operators, control_version=1)
    assert caught.value.path == "$.control_version"


def test_no_number_can_be_drawn_at_random() -> None:
    world, plan = World(), replace(PLAN, name="numbers", control_policy="random")
    with pytest.raises(InvalidInputError, match="none can be drawn") as caught:
        world.create(plan, measures=True)
    assert caught.value.path == "$.control_policy"


def test_only_a_ranking_has_a_popularity_list() -> None:
    world, plan = World(), replace(PLAN, name="popular", control_policy="popularity")
    assert world.create(plan, ranks=True).plan == plan
    with pytest.raises(InvalidInputError, match="popularity list") as caught:
        world.create(replace(plan, name="of a class"), ranks=False)
    assert caught.value.path == "$.control_policy"


def with_segment(name: str, start: float, end: float, layer: str = "checkout") -> ExperimentPlan:
    return replace(PLAN, name=name, segment=LayerSegment(layer, start, end))


def test_overlapping_segments_of_a_layer_are_refused_until_the_other_experiment_ends() -> None:
    world = World(with_segment("one", 0.0, 0.5))
    for number, (start, end, layer) in enumerate(((0.5, 1.0, "checkout"), (0.4, 0.6, "search"))):
        world.start(world.create(with_segment(f"free {number}", start, end, layer), f"mdl_{number}"))
    overlapping = world.create(with_segment("two", 0.4, 0.5), "mdl_2")
    taken = rf"\[0.4, 0.5\) of layer 'checkout' overlaps \[0, 0.5\) of experiment {world.experiment.experiment_id}, which is running"
    with pytest.raises(ConflictError, match=taken):
        world.start(overlapping)
    assert world.events.list_events("ws", overlapping.experiment_id) == []
    world.stop()

    assert world.start(overlapping).state == "running"


def test_an_experiment_keeps_the_holdout_that_it_was_started_with() -> None:
    world = World()
    for number, share in enumerate((0.1, 0.2)):
        set_holdout(share, by=ANN, now=NOW, store=world.holdouts)
        world.start(world.create(replace(PLAN, name=f"e{number}"), f"mdl_{number}"))
    found = {one.model_id: one.holdout_share for one in world.store.list_experiments("ws")}

    assert found == {"mdl": 0.0, "mdl_0": 0.1, "mdl_1": 0.2}


@pytest.mark.parametrize("share", [-0.01, 0.51, float("nan")])
def test_a_holdout_is_a_share_that_leaves_something(share: float) -> None:
    world = World()
    with pytest.raises(InvalidInputError) as caught:
        set_holdout(share, by=ANN, now=NOW, store=world.holdouts)
    assert caught.value.path == "$.share"
    assert world.holdouts.find_holdout("ws") is None


class Racing:
    """Another order takes the number first."""

    def append_event(self, event: ExperimentEvent) -> None:
        raise AlreadyExistsError(f"event {event.number} exists already")

    def list_events(self, workspace_id: str, experiment_id: str) -> list[ExperimentEvent]:
        _ = workspace_id, experiment_id
        return []


def test_of_two_orders_at_once_one_is_told_to_look_again() -> None:
    world = World()
    ports = replace(world.operators, events=Racing())
    with pytest.raises(ConflictError, match="at the same time"):
        extend_experiment(world.experiment.experiment_id, extension=Extension(days=1), order=ORDER, ports=ports)
