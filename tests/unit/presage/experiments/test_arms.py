"""Experiments of several arms: what is compared, which one is shipped, and how seldom that is wrong."""

from collections import Counter
from dataclasses import replace

import pytest

from presage.errors import ConflictError, InvalidInputError
from presage.experiments.assignment import build_allocation, place_unit
from presage.experiments.certificate import decode_certificate
from presage.experiments.evidence import build_plan_mixture, list_arm_evidence
from presage.experiments.model import Assignment, Guardrail, Metric, TreatmentArm
from presage.experiments.operations import Reweighting, reweight_experiment, start_experiment
from presage.experiments.results import LookPage, build_primary_paths, describe_path, read_results
from presage.experiments.verification import verify_certificate
from presage.progress import ignore_progress
from tests.fixtures.experiment_world import BEGIN, DAY, ORDER, PLAN, VISITS, World, detail_of

SMALL, LARGE = TreatmentArm("small", 0.3, 1), TreatmentArm("large", 0.2, 2)
ARMS = replace(PLAN, arms=(SMALL, LARGE), planned_units=12_000)
VISITED = Metric("visits", "conversion", "visits")
GUARDED = replace(ARMS, guardrails=(Guardrail(VISITED, 0.05),))


def reweight(world: World, **weights: float) -> Reweighting:
    order = replace(ORDER, reason="nothing broke")
    return reweight_experiment(world.experiment.experiment_id, weights=weights, order=order, ports=world.operators)


def expose(world: World, unit: str, variant: str, *, version: int) -> Assignment:
    experiment_id, at = world.experiment.experiment_id, BEGIN + DAY
    return Assignment("ws", experiment_id, f"again-{unit}", unit, variant, at, 3, (), version)


def verify(world: World) -> list[str]:
    body = world.certificates.find_certificate("ws", world.experiment.experiment_id)
    assert body is not None
    found = verify_certificate(decode_certificate(body), ledger=world.ports.ledger, progress=ignore_progress)
    return [difference.path for difference in found]


class TestDecision:
    def test_the_arm_of_which_most_is_proven_is_shipped(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 600), large=(2_000, 300))
        look = world.analyse()
        assert (look.decision, detail_of(look).shipped) == ("concluded_ship", "small")
        assert detail_of(look).reason.startswith("small: buys: lower bound")
        move = world.versions.list_alias_moves("ws", "mdl", "production")[0]
        assert (move.version, move.traffic) == (1, "model")
        assert verify(world) == []

    def test_the_arm_in_production_is_shipped_where_it_is(self) -> None:
        world = World(replace(ARMS, arms=(replace(SMALL, version="production"), LARGE)))
        world.run(control=(5_000, 500), small=(3_000, 600), large=(2_000, 200))
        assert world.analyse().decision == "concluded_ship"
        assert world.versions.list_alias_moves("ws", "mdl", "production")[0].version == 3

    def test_an_arm_that_loses_is_told_and_the_others_go_on(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 300), large=(2_000, 60))
        look = world.analyse()
        assert look.decision == "running"
        assert detail_of(look).warnings == ("arm large does worse than control and keeps its weight",)
        assert "no arm is better with certainty" in detail_of(look).reason

    def test_a_loss_of_all_arms_rolls_back(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 30), large=(2_000, 25))
        look = world.analyse(BEGIN + 4 * DAY)
        assert (look.decision, detail_of(look).shipped) == ("concluded_rollback", None)
        assert world.traffic_moves == ["default"]
        assert verify(world) == []

    def test_futility_needs_every_arm(self) -> None:
        plan = replace(ARMS, minimum_effect=0.03)
        for large, decision in ((200, "concluded_inconclusive"), (240, "running")):
            world = World(plan)
            world.run(control=(5_000, 500), small=(3_000, 300), large=(2_000, large))
            assert world.analyse().decision == decision

    def test_a_breached_guardrail_of_any_arm_rolls_back(self) -> None:
        world = World(GUARDED)
        control, small, large = (world.meet(name, units) for name, units in (("control", 5_000), ("small", 3_000), ("large", 2_000)))
        world.land([*control[:2_000], *small[:1_200], *large[:400]], VISITS)
        look = world.analyse(BEGIN + 4 * DAY)
        assert look.decision == "concluded_rollback"
        assert detail_of(look).reason.startswith("large: guardrail visits is breached")

    def test_a_clean_arm_is_shipped_from_beside_one_that_breaches(self) -> None:
        world = World(GUARDED)
        units = {name: world.meet(name, count) for name, count in (("control", 5_000), ("small", 3_000), ("large", 2_000))}
        for name, bought in (("control", 500), ("small", 600), ("large", 200)):
            world.land(units[name][:bought])
        world.land([*units["control"][:2_000], *units["small"][:1_200], *units["large"][:400]], VISITS)
        look = world.analyse()
        assert (look.decision, detail_of(look).shipped) == ("concluded_ship", "small")

    def test_an_arm_whose_guardrail_is_open_gives_way_to_a_clean_one(self) -> None:
        world = World(GUARDED)
        units = {name: world.meet(name, count) for name, count in (("control", 5_000), ("small", 3_000), ("large", 2_000))}
        for name, bought in (("control", 500), ("small", 800), ("large", 360)):
            world.land(units[name][:bought])
        world.land([*units["control"][:2_000], *units["small"][:1_080], *units["large"][:900]], VISITS)
        look = world.analyse()
        assert (look.decision, detail_of(look).shipped) == ("concluded_ship", "large")
        assert [gate.name for gate in detail_of(look).gates if not gate.passed] == ["small: guardrail visits"]

    def test_a_small_arm_waits_for_its_gates_alone(self) -> None:
        world = World(replace(ARMS, arms=(SMALL, replace(LARGE, weight=0.05))))
        world.run(control=(6_500, 650), small=(3_000, 600), large=(499, 250))
        look = world.analyse()
        assert detail_of(look).shipped == "small"
        assert [gate.name for gate in detail_of(look).gates if not gate.passed] == ["large: min_units_per_variant"]

    def test_a_split_that_is_off_in_one_arm_pauses(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_300, 600), large=(1_700, 170))
        look = world.analyse()
        assert look.decision == "paused_srm"
        assert detail_of(look).sample_ratio.units == (5_000, 3_300, 1_700)
        assert detail_of(look).sample_ratio.shares == pytest.approx((0.5, 0.3, 0.2))


class TestStatistics:
    def test_each_arm_errs_with_its_part_of_alpha_and_is_tuned_to_its_own_comparison(self) -> None:
        one, other = (build_plan_mixture(ARMS, place) for place in (0, 1))
        assert one.alpha == other.alpha == 0.025
        assert one.rho / other.rho == pytest.approx(0.8 / 0.7)
        assert build_plan_mixture(PLAN) == build_plan_mixture(replace(PLAN, arms=(TreatmentArm("only", 0.5),)))

    def test_evidence_is_that_of_a_plan_with_the_arm_alone_at_its_level(self) -> None:
        world, alone = World(ARMS), World(replace(PLAN, treatment_share=3 / 8, alpha=0.025, planned_units=9_600))
        world.run(control=(5_000, 500), small=(3_000, 330), large=(2_000, 200))
        alone.run(control=(5_000, 500), treatment=(3_000, 330))
        found, expected = list_arm_evidence(ARMS, detail_of(world.analyse()))[0].primary, detail_of(alone.analyse()).primary
        assert found.interval
        assert expected.interval
        assert found.interval.lower == pytest.approx(expected.interval.lower)
        assert found.interval.upper == pytest.approx(expected.interval.upper)

    def test_p_values_are_adjusted_by_holm(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 330), large=(2_000, 260))
        detail = detail_of(world.analyse(BEGIN + 5 * DAY))
        p_values = [arm.primary.p_value for arm in list_arm_evidence(ARMS, detail)]
        assert p_values[1] < 0.05
        assert detail.adjusted_p_values == pytest.approx((p_values[0], min(1.0, 2 * p_values[1])))

    def test_secondary_effects_are_found_arm_by_arm(self) -> None:
        world = World(replace(ARMS, secondary=(VISITED,)))
        units = {name: world.meet(name, count) for name, count in (("control", 5_000), ("small", 3_000), ("large", 2_000))}
        world.land([*units["control"][:500], *units["small"][:300], *units["large"][:500]], VISITS)
        assert detail_of(world.analyse()).discoveries == ("large: visits",)

    def test_crossovers_between_arms_count_in_none(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 300), large=(2_000, 200))
        world.warehouse.load_assignments([expose(world, unit, "large", version=1) for unit in world.meet("small", 10)])
        detail = detail_of(world.analyse())
        assert (detail.exposures.crossovers, detail.sample_ratio.units) == (10, (5_000, 3_000, 2_000))


class TestWeights:
    def test_units_are_placed_by_the_weights(self) -> None:
        world = World(ARMS)
        allocation = build_allocation(world.experiment, [(0.3, 0.2)])
        counts = Counter(place_unit(str(number), allocation).arm for number in range(20_000))
        assert {name: pytest.approx(count / 20_000, abs=0.012) for name, count in counts.items()} == {
            "small": 0.3,
            "large": 0.2,
            "control": 0.5,
        }

    def test_a_change_is_of_all_arms_and_counts_new_units(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 330), large=(2_000, 200))
        world.analyse(BEGIN + 5 * DAY)
        changed = reweight(world, large=0.4, small=0.1)
        assert (changed.event.arm_weights, changed.allocation_version) == ((0.1, 0.4), 2)
        assert changed.moved_share == pytest.approx(0.2)
        fresh = {"control": 1_000, "small": 200, "large": 800}
        units = [expose(world, f"new-{name}-{number}", name, version=2) for name, count in fresh.items() for number in range(count)]
        world.warehouse.load_assignments(units)
        detail = detail_of(world.analyse(BEGIN + 6 * DAY))
        assert (detail.allocation_version, detail.sample_ratio.units) == (2, (1_000, 200, 800))
        assert detail.sample_ratio.shares == pytest.approx((0.5, 0.1, 0.4))
        assert detail.sample_ratio.earlier_units == 10_000

    @pytest.mark.parametrize(
        "weights", [{"small": 0.5}, {"small": 0.3, "large": 0.2}, {"small": 0.7, "large": 0.3}, {"small": 0.0, "large": 0.5}]
    )
    def test_weights_that_are_none_are_refused(self, weights: dict[str, float]) -> None:
        with pytest.raises(InvalidInputError) as refused:
            reweight(World(ARMS), **weights)
        assert refused.value.path == "$.weights"


class TestPlan:
    @pytest.mark.parametrize(
        ("arms", "path"),
        [
            ((replace(SMALL, name="control"), LARGE), "$.arms[0].name"),
            ((replace(SMALL, name="none"), LARGE), "$.arms[0].name"),
            ((replace(SMALL, name="Small"), LARGE), "$.arms[0].name"),
            ((replace(SMALL, name="a" * 17), LARGE), "$.arms[0].name"),
            ((SMALL, replace(LARGE, name="small")), "$.arms[1].name"),
            ((SMALL, replace(LARGE, version=1)), "$.arms[1].version"),
            ((SMALL, replace(LARGE, version=6)), "$.arms[1].version"),
            ((SMALL, replace(LARGE, weight=0.0)), "$.arms[1].weight"),
            ((SMALL, replace(LARGE, weight=0.7)), "$.arms"),
            (tuple(TreatmentArm(f"a{place}", 0.1, place) for place in range(6)), "$.arms"),
        ],
    )
    def test_arms_that_cannot_be_compared_are_refused(self, arms: tuple[TreatmentArm, ...], path: str) -> None:
        world = World()
        with pytest.raises(InvalidInputError) as refused:
            world.create(replace(ARMS, name="second", arms=arms))
        assert refused.value.path == path

    def test_planned_units_allow_the_gate_of_every_variant(self) -> None:
        with pytest.raises(InvalidInputError) as refused:
            World().create(replace(ARMS, name="second", planned_units=1_499))
        assert refused.value.path == "$.planned_units"


class TestControlVersion:
    PREVIOUS = replace(ARMS, control_policy="previous_version")

    def test_candidates_are_compared_with_what_serves(self) -> None:
        world = World(self.PREVIOUS, served=(3,))
        assert world.store.get_experiment("ws", world.experiment.experiment_id).control_version == 3

    def test_an_arm_in_production_is_compared_with_what_served_before(self) -> None:
        plan = replace(self.PREVIOUS, arms=(replace(SMALL, version="production"), replace(LARGE, version=4)))
        world = World(plan, served=(2, 3))
        assert world.store.get_experiment("ws", world.experiment.experiment_id).control_version == 2

    def test_no_arm_is_compared_with_itself(self) -> None:
        with pytest.raises(InvalidInputError, match="answers arm small") as refused:
            World(self.PREVIOUS, served=(1,))
        assert refused.value.path == "$.control_version"

    def test_the_control_was_in_production(self) -> None:
        with pytest.raises(ConflictError):
            World(self.PREVIOUS, served=())
        world = World(served=(2, 3))
        draft = world.create(replace(self.PREVIOUS, name="second"), "other")
        with pytest.raises((InvalidInputError, ConflictError)):
            start_experiment(draft.experiment_id, order=ORDER, ports=world.operators, control_version=5)

    def test_a_rollback_goes_to_the_controls_version(self) -> None:
        world = World(self.PREVIOUS, served=(3,))
        world.run(control=(5_000, 500), small=(3_000, 30), large=(2_000, 25))
        assert world.analyse().decision == "concluded_rollback"
        assert world.versions.list_alias_moves("ws", "mdl", "production")[0].version == 3


class TestResults:
    def test_every_arm_is_told(self) -> None:
        world = World(GUARDED)
        world.run(control=(5_000, 500), small=(3_000, 330), large=(2_000, 200))
        world.analyse(BEGIN + 5 * DAY)
        found = read_results("ws", world.experiment.experiment_id, page=LookPage(None, 5), store=world.store, events=world.events)
        assert found.latest
        assert [(one.arm, one.role) for one in found.latest.metrics] == [
            ("small", "primary"),
            ("small", "guardrail"),
            ("large", "primary"),
            ("large", "guardrail"),
        ]
        assert [one.adjusted_p_value is not None for one in found.latest.metrics] == [True, False, True, False]
        assert "of arm small in buys lies between" in describe_path(world.plan, found.latest)
        paths = build_primary_paths(world.plan, world.looks)
        assert {name: len(points) for name, points in paths.items()} == {"small": 1, "large": 1}
        assert paths["small"][0].estimate == pytest.approx(0.01)
        assert paths["large"][0].estimate == pytest.approx(0.0)

    def test_a_shipment_says_where_traffic_went(self) -> None:
        world = World(ARMS)
        world.run(control=(5_000, 500), small=(3_000, 300), large=(2_000, 400))
        world.analyse()
        found = read_results("ws", world.experiment.experiment_id, page=LookPage(None, 5), store=world.store, events=world.events)
        assert found.action
        assert (found.action.traffic, found.action.version) == ("model", 2)
        body = world.certificates.find_certificate("ws", world.experiment.experiment_id)
        assert body
        certificate = decode_certificate(body)
        assert (certificate.conclusion.arm, certificate.conclusion.action) == ("large", found.action)
        assert [(path.arm, bool(path.statements)) for path in certificate.metrics] == [("small", True), ("large", False)]
