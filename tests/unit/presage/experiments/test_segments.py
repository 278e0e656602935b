"""Segments of units: seen in looks, results and certificates, and without a say in anything."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from presage.experiments.certificate import Certificate, build_certificate, decode_certificate, encode_certificate
from presage.experiments.model import ExperimentPlan, Gates, Look, Metric, TreatmentArm, UnitSegment, ValueMoments, VariantStatistics
from presage.experiments.results import LookPage, Results, read_results
from presage.experiments.segment_comparison import compute_segments, count_groups, describe_segments, find_mean
from presage.experiments.segment_evidence import GroupArm, GroupEvidence
from presage.experiments.segments import CountedSegment, SegmentGroup, SegmentStatistics
from presage.experiments.verification import verify_certificate
from presage.progress import ignore_progress
from presage.stats.sequential import build_mixture, compute_interval
from tests.fixtures.experiment_world import BEGIN, BUYS, DAY, LATER, PLAN, PURCHASES, World, detail_of

TIER = UnitSegment("tier", "purchases", "amount", most_values=2)
SEGMENTED = replace(PLAN, segments=(TIER,), planned_units=100_000)
SEVERAL = replace(SEGMENTED, arms=(TreatmentArm("wide", 0.2, 4), TreatmentArm("deep", 0.3, 5)))
ARM = VariantStatistics(1000, 100)
BETTER = VariantStatistics(1000, 190)


def run(world: World) -> None:
    """Expose 1000 units to each variant, of two tiers, and let the treatment move those of the second one alone."""
    for variant, buyers in (("control", (50, 50)), ("treatment", (50, 200))):
        units = world.meet(variant, 1000, BEGIN)
        tiers = units[:500], units[500:990]
        for tier, members in enumerate(tiers):
            world.land(members, PURCHASES, at=BEGIN - DAY, amounts=[float(tier)] * len(members))
        world.land([unit for members, number in zip(tiers, buyers, strict=True) for unit in members[:number]])


def certify(world: World) -> Certificate:
    events = world.events.list_events("ws", world.experiment.experiment_id)
    return build_certificate(world.experiment, events=events, looks=world.looks)


def read(world: World) -> Results:
    experiment_id = world.experiment.experiment_id
    return read_results("ws", experiment_id, page=LookPage(None, 10), store=world.store, events=world.events)


def groups_of(look: Look) -> list[GroupEvidence]:
    (segment,) = detail_of(look).segments
    return list(segment.groups)


def only(group: GroupEvidence) -> GroupArm:
    """Return the arm of a plan without arms."""
    (arm,) = group.arms
    return arm


@pytest.fixture
def world() -> World:
    return World(replace(SEGMENTED, gates=Gates(min_units_per_variant=400)))


def test_a_look_has_the_primary_metric_by_group(world: World) -> None:
    run(world)
    first, second, none = groups_of(world.analyse())
    assert [(found.kind, found.value) for found in (first, second, none)] == [("value", "0"), ("value", "1"), ("none", None)]
    assert (first.control, only(first).treatment) == (VariantStatistics(500, 50), VariantStatistics(500, 50))
    assert (second.control, only(second).treatment) == (VariantStatistics(490, 50), VariantStatistics(490, 200))
    assert (none.control, only(none).treatment) == (VariantStatistics(10, 0), VariantStatistics(10, 0))
    same, better, unknown = (only(group).interval for group in (first, second, none))
    assert same is not None
    assert same.lower < 0 < same.upper
    assert better is not None
    assert better.lower > 0
    assert unknown is None
    assert only(none).inconclusive


def test_segments_change_no_decision() -> None:
    """With the same data, a plan with segments ends as one without, though one of its groups would have been rolled back."""
    (plain, first), (segmented, look) = (end_with(segments) for segments in ((), (TIER,)))
    assert (look.decision, first.decision) == ("concluded_ship", "concluded_ship")
    assert detail_of(look).reason == detail_of(first).reason
    assert detail_of(look).gates == detail_of(first).gates
    assert segmented.traffic_moves == plain.traffic_moves == ["model"]
    interval = only(groups_of(look)[1]).interval
    assert interval is not None
    assert interval.upper < 0


def end_with(segments: tuple[UnitSegment, ...]) -> tuple[World, Look]:
    """Let the treatment win by one tier and lose by the other, and take a look."""
    world = World(replace(PLAN, segments=segments, gates=Gates(min_units_per_variant=400)))
    for variant, buyers in (("control", (50, 150)), ("treatment", (300, 30))):
        units = world.meet(variant, 1000)
        for tier, members in enumerate((units[:500], units[500:])):
            world.land(members, PURCHASES, at=BEGIN - DAY, amounts=[float(tier)] * 500)
            world.land(members[: buyers[tier]])
    return world, world.analyse()


def test_the_error_rate_is_shared_by_all_groups_that_the_plan_allows() -> None:
    plan = replace(SEGMENTED, segments=(TIER, replace(TIER, name="more", most_values=20)))
    groups = (SegmentGroup("value", "0", ARM, (BETTER,)), SegmentGroup("none", None, ARM, (ARM,)))
    few, many = compute_segments([CountedSegment(name, SegmentStatistics(groups, ""), 1, 1) for name in ("tier", "more")], plan=plan)
    assert count_groups(plan) == 2 + 2 + 20 + 2
    assert few.mixtures == (build_mixture(alpha=0.05 / 26, planned_units=50_000),)
    assert many.mixtures == (build_mixture(alpha=0.05 / 26, planned_units=5_000),)
    found = only(few.groups[0])
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.09)
    assert found.interval == compute_interval(found.estimate, few.mixtures[0], units=2000.0)


def test_each_arm_is_compared_in_each_group_and_all_of_it_holds_together() -> None:
    groups = (SegmentGroup("value", "0", ARM, (ARM, BETTER)),)
    (segment,) = compute_segments([CountedSegment("tier", SegmentStatistics(groups, ""), 1, 1)], plan=SEVERAL)
    assert [mixture.alpha for mixture in segment.mixtures] == [0.05 / 8, 0.05 / 8]
    assert [mixture.rho for mixture in segment.mixtures] == pytest.approx(
        [build_mixture(alpha=0.05 / 8, planned_units=planned).rho for planned in (35_000, 40_000)]
    )
    wide, deep = segment.groups[0].arms
    assert [(found.arm, found.treatment) for found in (wide, deep)] == [("wide", ARM), ("deep", BETTER)]
    assert wide.estimate is not None
    assert deep.estimate is not None
    assert (wide.estimate.value, deep.estimate.value) == pytest.approx((0.0, 0.09))
    assert deep.interval == compute_interval(deep.estimate, segment.mixtures[1], units=2000.0)
    assert "Of 8 differences (4 groups, 2 arms)" in describe_segments(SEVERAL)


def test_results_and_the_certificate_have_every_arm_of_a_group() -> None:
    world = World(SEVERAL)
    for variant, buyers in (("control", 50), ("wide", 80), ("deep", 110)):
        units = world.meet(variant, 600)
        world.land(units[:500], PURCHASES, at=BEGIN - DAY)
        world.land(units[:buyers])
    world.analyse(BEGIN + 4 * DAY)
    (segment,) = read(world).segments
    known, none = segment.groups
    assert [(arm.arm, arm.treatment, arm.treatment_mean) for arm in known.arms] == [
        ("wide", VariantStatistics(500, 80), 0.16),
        ("deep", VariantStatistics(500, 110), 0.22),
    ]
    assert (known.control, known.control_mean, none.control) == (VariantStatistics(500, 50), 0.1, VariantStatistics(100, 0))
    certificate = decode_certificate(encode_certificate(certify(world)))
    assert [arm.arm for arm in certificate.looks[0].detail.segments[0].groups[0].arms] == ["wide", "deep"]
    assert verify_certificate(certificate, ledger=world.warehouse, progress=ignore_progress) == []


def test_all_intervals_of_all_looks_hold_together() -> None:
    """Without any effect, the share of experiments in which any group's interval ever leaves 0 out is at most alpha, and is more
    when each group has all of alpha.
    """
    runs, looks, groups, error_rate = 400, 8, 12, 0.05
    gates = Gates(min_units_per_variant=100, min_conversions_per_variant=1)
    plan = replace(SEGMENTED, alpha=error_rate, segments=(replace(TIER, most_values=groups - 2),), gates=gates, planned_units=4000)
    alone = replace(plan, alpha=error_rate * groups)
    buyers = np.random.default_rng(5).binomial(100, 0.3, size=(runs, looks, groups, 2)).cumsum(axis=1)
    wrong = {"together": 0, "each": 0}
    for run_ in buyers:
        found = [
            SegmentStatistics(
                tuple(
                    SegmentGroup("value", str(place), VariantStatistics(100 * look, control), (VariantStatistics(100 * look, treatment),))
                    for place, (control, treatment) in enumerate(counts)
                ),
                "",
            )
            for look, counts in enumerate(run_.tolist(), start=1)
        ]
        for name, tried in (("together", plan), ("each", alone)):
            wrong[name] += any(leaves_out_0(one, plan=tried) for one in found)
    assert wrong["together"] / runs <= error_rate < wrong["each"] / runs


def leaves_out_0(statistics: SegmentStatistics, *, plan: ExperimentPlan) -> bool:
    (segment,) = compute_segments([CountedSegment("tier", statistics, 1, 1)], plan=plan)
    intervals = [found.interval for found in map(only, segment.groups) if found.interval is not None]
    assert len(intervals) == len(statistics.groups)
    return any(not interval.lower <= 0.0 <= interval.upper for interval in intervals)


def test_a_group_too_small_for_the_gates_has_an_estimate_and_no_interval() -> None:
    small = SegmentGroup("value", "0", replace(ARM, conversions=24), (BETTER,))
    ((group,),) = (
        segment.groups for segment in compute_segments([CountedSegment("t", SegmentStatistics((small,), ""), 1, 1)], plan=SEGMENTED)
    )
    found = only(group)
    assert found.estimate is not None
    assert (found.interval, found.inconclusive) == (None, "a variant has less than 500 units or 25 conversions")


@pytest.mark.parametrize(
    ("kind", "arm", "expected"),
    [
        ("conversion", VariantStatistics(10, 3), 0.3),
        ("conversion", VariantStatistics(0, 0), None),
        ("sum", VariantStatistics(10, 3, ValueMoments(2.5, 1.0, 9.0, 1.0, 1.0)), 2.5),
        ("sum", VariantStatistics(0, 0, ValueMoments(0.0, 0.0, 0.0, 0.0, 0.0)), None),
        ("ratio", VariantStatistics(10, 3, ValueMoments(2.5, 1.0, 0.5, 1.0, 1.0)), 5.0),
        ("mean", VariantStatistics(10, 0, ValueMoments(0.0, 1.0, 0.0, 0.0, 0.0)), None),
    ],
)
def test_a_groups_mean_is_the_metric(kind: str, arm: VariantStatistics, expected: float | None) -> None:
    assert find_mean(kind, arm) == expected  # type: ignore[arg-type] # the literals above


def test_a_covariate_is_taken_out_of_each_group() -> None:
    spent = Metric("spent", "sum", "purchases", value_column="amount", covariate_hours=48)
    world = World(replace(SEGMENTED, primary=spent))
    for variant, more in (("control", 0.0), ("treatment", 5.0)):
        units = world.meet(variant, 600)
        before = [float(index % 7) for index in range(600)]
        world.land(units, PURCHASES, at=BEGIN - DAY, amounts=before)
        world.land(units, PURCHASES, at=BEGIN + DAY, amounts=[past * 3 + more + index % 2 for index, past in enumerate(before)])
    look = world.analyse()
    whole = detail_of(look).primary.estimate
    other = groups_of(look)[-1]
    assert whole is not None
    assert other.kind == "other"
    estimate = only(other).estimate
    assert estimate is not None
    assert estimate.value == pytest.approx(5.0)
    assert estimate.standard_error < 0.1


def test_results_have_the_newest_looks_segments_and_say_that_they_decide_nothing(world: World) -> None:
    assert read(world).segments == ()
    run(world)
    world.analyse(BEGIN + 4 * DAY)
    (segment,) = read(world).segments
    assert segment.segment == "tier"
    assert "segments decide nothing" in segment.warning
    assert "Of 4 groups" in segment.warning
    found = [(group.control_mean, arm) for group in segment.groups for arm in group.arms]
    assert [(mean, arm.treatment_mean) for mean, arm in found] == [(0.1, 0.1), (50 / 490, 200 / 490), (0.0, 0.0)]
    effect = found[1][1].effect
    assert effect is not None
    assert effect.value == pytest.approx(150 / 490)


def test_a_certificate_has_the_segments_and_is_verified(world: World) -> None:
    run(world)
    world.analyse(BEGIN + 4 * DAY)
    world.land(["u0", "u1"], PURCHASES, at=BEGIN - timedelta(hours=1), amounts=[1.0, 1.0])
    world.analyse(BEGIN + 5 * DAY)
    certificate = decode_certificate(encode_certificate(certify(world)))
    before, after = ([group.control.units for group in look.detail.segments[0].groups] for look in certificate.looks)
    assert (before, after) == ([500, 490, 10], [498, 492, 10])
    assert [(found.segment, len(found.statements), found.statements[0].from_look) for found in certificate.segments] == [("tier", 1, 1)]
    assert [look.detail.segments[0].sql for look in certificate.looks] == ["", ""]
    assert verify_certificate(certificate, ledger=world.warehouse, progress=ignore_progress) == []


def test_a_changed_value_of_a_segment_is_found_by_verification(world: World) -> None:
    run(world)
    world.analyse(BEGIN + 4 * DAY)
    certificate = certify(world)
    as_metric = replace(BUYS, name="tier/segment")
    world.warehouse.change_outcome(world.experiment, as_metric, unit_id="u0", event_timestamp=BEGIN + DAY)
    found = {difference.path for difference in verify_certificate(certificate, ledger=world.warehouse, progress=ignore_progress)}
    assert "$.looks[0].detail.segments[0].groups[0].control.units" in found
    assert "$.data[2].first_sum" in found
    assert not any(".primary." in path or ".gates" in path or "$.conclusion" in path for path in found)


def test_segments_that_were_cut_out_of_a_certificate_are_missed(world: World) -> None:
    run(world)
    world.analyse(BEGIN + 4 * DAY)
    certificate = certify(world)
    (look,) = certificate.looks
    cut = replace(certificate, looks=(replace(look, detail=replace(look.detail, segments=())),))
    paths = {found.path for found in verify_certificate(cut, ledger=world.warehouse, progress=ignore_progress)}
    assert paths == {"$.looks[0].detail.segments[0]"}


def test_looks_of_before_segments_are_read_and_verified() -> None:
    world = World()
    world.run(control=(1000, 100), treatment=(1000, 102))
    look = world.analyse(BEGIN + 4 * DAY)
    old = replace(look, detail={name: value for name, value in look.detail.items() if name != "segments"})
    certificate = build_certificate(world.experiment, events=world.events.list_events("ws", world.experiment.experiment_id), looks=[old])
    assert detail_of(old).segments == ()
    assert certificate.segments == ()
    assert verify_certificate(certificate, ledger=world.warehouse, progress=ignore_progress) == []


def test_without_a_version_of_its_dataset_all_units_are_without_a_value() -> None:
    world = World(replace(SEGMENTED, segments=(UnitSegment("tier", "purchases", "amount"),)))
    world.meet("control", 3)
    (found,) = groups_of(world.analyse(LATER))
    assert (found.kind, found.control.units, only(found).treatment.units) == ("none", 3, 0)
    assert (only(found).estimate, only(found).inconclusive) == (None, "an arm has no units")
