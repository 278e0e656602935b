"""What a conclusion leaves behind, and that it is computed again from the warehouse to the last digit."""

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.warehouse import MemoryWarehouse
from presage.errors import InvalidInputError, NotFoundError
from presage.experiments.certificate import SOFTWARE, Certificate, build_certificate, decode_certificate, encode_certificate
from presage.experiments.model import Assignment, ControlPolicy, Guardrail, Metric, list_sources
from presage.experiments.operations import Extension, Order, extend_experiment
from presage.experiments.verification import Difference, compare, verify_certificate
from presage.progress import ignore_progress
from presage.runtime import verification as command
from tests.fixtures.experiment_world import BEGIN, BOB, BUYS, DAY, GUARDED, NOW, PLAN, VISITS, World, detail_of

SEVERAL = replace(GUARDED, secondary=(Metric("often", "count", "purchases", cap=3.0),), planned_units=8000)


def conclude(world: World) -> Certificate:
    """Take looks at three times, with exposures and records in between, and return the certificate of the conclusion."""
    control, treatment = world.meet("control", 1000), world.meet("treatment", 1000)
    world.land([*control[:100], *treatment[:190]])
    world.land([*control[:800], *treatment[:900]], VISITS)
    world.analyse(BEGIN + 4 * DAY)
    world.land([*control[100:110], *treatment[190:200]], at=BEGIN + 2 * DAY)
    world.analyse(BEGIN + 6 * DAY)
    more = world.meet("control", 500, BEGIN + 2 * DAY), world.meet("treatment", 500, BEGIN + 2 * DAY)
    world.land([*more[0][:50], *more[1][:110]], at=BEGIN + 3 * DAY)
    world.land([*more[0][:400], *more[1][:450]], VISITS, at=BEGIN + 3 * DAY)
    assert world.analyse(BEGIN + 9 * DAY).decision == "concluded_ship"
    body = world.certificates.find_certificate("ws", world.experiment.experiment_id)
    assert body is not None
    return decode_certificate(body)


def verify(certificate: Certificate, warehouse: MemoryWarehouse) -> list[Difference]:
    return verify_certificate(certificate, ledger=warehouse, progress=ignore_progress)


def paths(differences: list[Difference]) -> set[str]:
    return {found.path for found in differences}


@pytest.fixture
def world() -> World:
    return World(SEVERAL)


@pytest.mark.parametrize(
    ("policy", "buyers", "move"),
    [
        ("previous_version", 30, (2, "model")),
        ("popularity", 30, (3, "popularity")),
        ("random", 30, (3, "default")),
        ("default", 30, (3, "default")),
        ("previous_version", 300, (3, "model")),
        ("popularity", 300, (3, "model")),
    ],
)
def test_a_conclusion_moves_everybody_to_the_better_arm(policy: ControlPolicy, buyers: int, move: tuple[int, str]) -> None:
    world = World(replace(PLAN, control_policy=policy), served=(1, 2, 3))
    world.run(control=(1000, 150), treatment=(1000, buyers))
    decision = world.analyse().decision
    newest, before = world.versions.list_alias_moves("ws", "mdl", "production")[:2]
    body = world.certificates.find_certificate("ws", world.experiment.experiment_id)
    certificate = decode_certificate(body or b"")
    action = certificate.conclusion.action

    assert decision == ("concluded_rollback" if buyers < 100 else "concluded_ship")
    assert ((newest.version, newest.traffic), before.version) == (move, 3)
    assert action is not None
    assert (action.version or before.version, action.traffic, action.reason) == (newest.version, newest.traffic, newest.reason)
    assert certificate.control_version == (2 if policy == "previous_version" else None)
    assert verify(certificate, world.warehouse) == []
    changed = replace(certificate, control_version=1)
    assert paths(verify(changed, world.warehouse)) == ({"$.conclusion.action.version"} if action.version else set())


def test_a_conclusion_leaves_a_certificate_of_everything(world: World) -> None:
    certificate = conclude(world)

    assert certificate.plan == SEVERAL
    assert [look.decision for look in certificate.looks] == ["running", "running", "concluded_ship"]
    assert [(found.table, found.rows) for found in certificate.data] == [("assignments", 3000), ("shown_items", 0), ("outcomes", 3490)]
    assert [(found.role, found.metric) for found in certificate.metrics] == [
        ("primary", "buys"),
        ("guardrail", "visits"),
        ("secondary", "often"),
    ]
    primary = certificate.metrics[0]
    assert [point.number for point in primary.path] == [1, 2, 3]
    assert primary.path[-1].lower is not None
    assert primary.path[-1].lower > 0
    assert primary.statements[0].from_look == 1
    assert primary.statements[0].sql
    assert certificate.conclusion.action is not None
    assert certificate.conclusion.action.traffic == "model"
    assert all(gate.passed for gate in certificate.conclusion.gates)
    assert [event.kind for event in certificate.events] == ["started"]


def test_the_software_is_the_packages_own_version() -> None:
    assert f"presage {version('presage')}" == SOFTWARE


def test_a_certificate_is_verified_by_the_warehouse_that_it_came_from(world: World) -> None:
    assert verify(conclude(world), world.warehouse) == []


def test_what_arrives_later_changes_no_earlier_look(world: World) -> None:
    certificate = conclude(world)
    late = world.meet("control", 300)
    world.land(late)
    world.land(["u0", "u1", "u500"], at=BEGIN + timedelta(hours=1))
    version = world.feature_sets.find_version("ws", "ds_p")
    assert version is not None
    assert world.warehouse.load_outcomes(world.experiment, version, list_sources(BUYS)[0]) == 2

    assert verify(certificate, world.warehouse) == []


def test_a_conversion_that_is_taken_away_is_found_at_every_look_it_counted_in(world: World) -> None:
    certificate = conclude(world)
    world.warehouse.change_outcome(world.experiment, BUYS, unit_id="u0", event_timestamp=BEGIN + 80 * DAY)

    found = paths(verify(certificate, world.warehouse))

    for look in range(3):
        assert f"$.looks[{look}].detail.primary.counted.control.conversions" in found
    assert "$.data[2].first_sum" in found


def test_a_changed_row_that_no_statistic_hangs_on_is_found_by_its_fingerprint(world: World) -> None:
    certificate = conclude(world)
    world.warehouse.change_outcome(world.experiment, BUYS, unit_id="u0", event_timestamp=BEGIN + DAY + timedelta(microseconds=1))

    found = paths(verify(certificate, world.warehouse))

    assert {"$.data[2].first_sum", "$.looks[0].detail.data[2].first_sum"} <= found
    assert all(".data[" in path for path in found)


def test_a_changed_plan_is_found(world: World) -> None:
    certificate = conclude(world)
    loosened = replace(certificate, plan=replace(certificate.plan, planned_units=4000))

    assert "$.looks[0].detail.mixture.rho" in paths(verify(loosened, world.warehouse))


def test_a_changed_conclusion_is_found(world: World) -> None:
    certificate = conclude(world)
    other = replace(certificate, conclusion=replace(certificate.conclusion, decision="concluded_rollback", action=None))

    assert paths(verify(other, world.warehouse)) >= {"$.conclusion.decision", "$.conclusion.action"}


def test_an_extension_between_looks_is_part_of_what_is_recomputed() -> None:
    world = World(replace(PLAN, max_days=8))
    world.run(control=(1000, 100), treatment=(1000, 102))
    world.analyse(BEGIN + 4 * DAY)
    order = Order(BOB, "a holiday", NOW)
    extend_experiment(world.experiment.experiment_id, extension=Extension(days=3), order=order, ports=world.operators)
    assert world.analyse(BEGIN + 9 * DAY).decision == "running"
    assert world.analyse(BEGIN + 11 * DAY).decision == "concluded_inconclusive"
    certificate = decode_certificate(world.certificates.find_certificate("ws", world.experiment.experiment_id) or b"")

    assert [look.detail.limits.max_days for look in certificate.looks if look.detail.limits] == [8, 11, 11]
    assert verify(certificate, world.warehouse) == []
    assert "$.looks[1].decision" in paths(verify(replace(certificate, events=certificate.events[:1]), world.warehouse))


def test_a_crash_before_the_state_moves_leaves_one_certificate(world: World) -> None:
    first = conclude(world)
    experiment = world.store.get_experiment("ws", world.experiment.experiment_id)
    again = build_certificate(experiment, events=world.events.list_events("ws", experiment.experiment_id), looks=world.looks)

    assert encode_certificate(again) == encode_certificate(first)


def test_a_running_experiment_has_one_of_each_look_and_none_before_the_first(world: World) -> None:
    with pytest.raises(NotFoundError, match="no look yet"):
        build_certificate(world.experiment, events=(), looks=())
    world.run(control=(1000, 100), treatment=(1000, 102))
    world.analyse(BEGIN + 4 * DAY)
    certificate = build_certificate(
        world.experiment, events=world.events.list_events("ws", world.experiment.experiment_id), looks=world.looks
    )

    assert (certificate.conclusion.decision, certificate.conclusion.action) == ("running", None)
    assert verify(certificate, world.warehouse) == []
    assert world.certificates.find_certificate("ws", world.experiment.experiment_id) is None


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (1.0, 1.0 + 1e-12, False),
        (1.0, 1.0 + 1e-6, True),
        (1e-300, 0.0, False),
        (3, 4, True),
        (True, 1, True),
        (None, 0.0, True),
        ({"a": 1}, {"b": 1}, True),
        ([1], [1, 2], True),
        ("1", "1", False),
    ],
)
def test_numbers_are_compared_up_to_rounding_and_all_else_exactly(one: object, other: object, differs: bool) -> None:  # noqa: FBT001 - a test parameter
    assert bool(list(compare(one, other))) is differs
    assert bool(list(compare(other, one))) is differs


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff"])
def test_what_is_no_certificate_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_certificate(body)


def test_the_command_tells_what_differs(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(encode_certificate(conclude(world)))

    def run() -> int:
        return command.run_verify(str(path), connect=lambda: world.warehouse, progress=ignore_progress)

    assert run() == 0
    assert capsys.readouterr().out == f"verified: {world.experiment.experiment_id}, 3 looks, concluded_ship at look 3\n"

    world.warehouse.change_outcome(world.experiment, BUYS, unit_id="u0", event_timestamp=BEGIN + 80 * DAY)
    assert run() == 1
    output = capsys.readouterr().out
    assert "$.looks[0].detail.primary.counted.control.conversions: certified 100, recomputed 99" in output.splitlines()
    assert output.splitlines()[-1].startswith("DIFFERENT in ")

    path.write_bytes(b"{}")
    assert run() == 2
    assert "not verified" in capsys.readouterr().err


def test_the_command_says_which_setting_is_missing(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(encode_certificate(conclude(world)))

    assert command.run_verify(str(path), connect=lambda: command.build_ledger({}), progress=ignore_progress) == 2
    assert "PRESAGE_REDSHIFT_WORKGROUP is not set" in capsys.readouterr().err


def test_looks_of_before_there_were_certificates_are_read(world: World) -> None:
    world.run(control=(1000, 100), treatment=(1000, 102))
    look = world.analyse(BEGIN + 4 * DAY)
    new = {"limits", "events", "loaded_until", "data", "secondary", "discoveries"}
    old = replace(look, detail={name: value for name, value in look.detail.items() if name not in new})

    assert detail_of(old).loaded_until is None
    assert msgspec.to_builtins(detail_of(old).primary) == look.detail["primary"]


def test_a_guardrail_is_certified_with_its_margin() -> None:
    world = World(replace(PLAN, guardrails=(Guardrail(Metric("visits", "conversion", "visits"), 0.02),)))
    units = world.meet("control", 1000), world.meet("treatment", 1000)
    world.land([*units[0][:800], *units[1][:300]], VISITS)
    world.warehouse.load_assignments([Assignment("ws", world.experiment.experiment_id, "again", "u0", "treatment", BEGIN + DAY, 3, ("a",))])
    assert world.analyse(BEGIN + 4 * DAY).decision == "concluded_rollback"
    certificate = decode_certificate(world.certificates.find_certificate("ws", world.experiment.experiment_id) or b"")

    assert certificate.conclusion.action is not None
    assert certificate.conclusion.action.traffic == "default"
    assert certificate.conclusion.gates[-1].required == -0.02
    assert verify(certificate, world.warehouse) == []


class BusyWarehouse(MemoryWarehouse):
    """Gets another unit's exposure and record each time that its clock is asked, as often as `loads` says."""

    def __init__(self, feature_sets: MemoryFeatureSetStore, loads: int) -> None:
        super().__init__(feature_sets)
        self.loads = loads
        self.experiment_id = ""

    def get_clock(self) -> datetime:
        if self.loads:
            self.loads -= 1
            late = Assignment("ws", self.experiment_id, f"late-{self.loads}", f"late-{self.loads}", "control", BEGIN, 3, ())
            self.load_assignments([late])
        return super().get_clock()


@pytest.mark.parametrize(("loads", "exact"), [(0, True), (1, True), (3, True), (9, False)])
def test_a_look_waits_for_what_is_loaded_while_it_is_taken(loads: int, exact: bool) -> None:  # noqa: FBT001 - a test parameter
    feature_sets = MemoryFeatureSetStore()
    warehouse = BusyWarehouse(feature_sets, 0)
    world = World(PLAN, feature_sets=feature_sets, real=(warehouse, warehouse))
    warehouse.experiment_id = world.experiment.experiment_id
    world.run(control=(600, 60), treatment=(600, 63))
    warehouse.loads = loads
    world.analyse(BEGIN + 4 * DAY)
    certificate = build_certificate(world.experiment, events=world.events.list_events("ws", warehouse.experiment_id), looks=world.looks)

    assert (verify(certificate, warehouse) == []) is exact
