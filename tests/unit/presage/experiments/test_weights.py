"""Weights that change while an experiment runs: who is counted, against which split, and that the change itself decides nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presage.errors import ConflictError, InvalidInputError
from presage.experiments.certificate import build_certificate
from presage.experiments.events import list_weights
from presage.experiments.evidence import SampleRatio, compute_sample_ratio
from presage.experiments.model import Assignment, Variant, VariantStatistics
from presage.experiments.operations import Order, Reweighting, reweight_experiment
from presage.experiments.verification import verify_certificate
from presage.progress import ignore_progress
from tests.fixtures.experiment_world import BEGIN, BOB, DAY, NOW, PLAN, World, detail_of

THRESHOLD = PLAN.gates.srm_threshold


def reweight(world: World, share: float, reason: str = "it looks safe") -> Reweighting:
    order = Order(BOB, reason, NOW)
    return reweight_experiment(world.experiment.experiment_id, weights={"treatment": share}, order=order, ports=world.operators)


def follow(splits: list[tuple[float, list[tuple[int, int]]]]) -> list[SampleRatio]:
    """Return the sample ratio at every look of versions (share, counts at each look)."""
    seen: list[SampleRatio] = []
    earlier: SampleRatio | None = None
    for share, looks in splits:
        for control, treatment in looks:
            seen.append(compute_sample_ratio((control, treatment), weights=(share,), history=seen, earlier=earlier))
        earlier = seen[-1]
    return seen


def draw(generator: np.random.Generator, share: float, looks: int, units: int = 400) -> list[tuple[int, int]]:
    treated = np.cumsum(generator.binomial(units, share, size=looks)).tolist()
    return [(units * (look + 1) - found, found) for look, found in enumerate(treated)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
def test_a_change_from_10_to_50_percent_is_no_mismatch(seed: int, before: int, after: int) -> None:
    """By the bound of the test itself one of 1,000 such experiments may pause; that the change pauses none is what is tested."""
    generator = np.random.default_rng(seed)
    seen = follow([(0.1, draw(generator, 0.1, before)), (0.5, draw(generator, 0.5, after))])
    assert seen[-1].p_value >= THRESHOLD / 100
    assert seen[-1].earlier_units == 400 * before


def test_clean_splits_are_paused_no_oftener_than_the_threshold_says() -> None:
    generator = np.random.default_rng(3)
    shares = (0.1, 0.5, 0.2)
    paused = [follow([(share, draw(generator, share, 20)) for share in shares])[-1].p_value < THRESHOLD for _ in range(1_000)]
    assert sum(paused) <= 5


def test_pooling_the_versions_would_have_paused() -> None:
    pooled = compute_sample_ratio((900 + 500, 100 + 500), weights=(0.5,), history=[])
    assert pooled.p_value < THRESHOLD
    assert follow([(0.1, [(900, 100)]), (0.5, [(500, 500)])])[-1].p_value == 1.0


def test_a_mismatch_is_found_under_whichever_version_it_is() -> None:
    assert follow([(0.1, [(8_000, 2_000)]), (0.5, [(500, 500)])])[-1].p_value < THRESHOLD
    assert follow([(0.1, [(900, 100)]), (0.5, [(4_000, 6_000)])])[-1].p_value < THRESHOLD
    halves = [follow([(0.5, [(540, 460)])])[-1], follow([(0.5, [(540, 460)]), (0.3, [(10_850, 4_150)])])[-1]]
    assert halves[1].log_bayes_factor > halves[0].log_bayes_factor


def test_a_change_is_an_event_and_tells_who_moves() -> None:
    world = World(replace(PLAN, treatment_share=0.1))
    first, second = reweight(world, 0.5), reweight(world, 0.25, "less again")

    assert (first.allocation_version, second.allocation_version) == (2, 3)
    assert [first.moved_share, second.moved_share] == pytest.approx([0.4, 0.25])
    assert (first.event.kind, first.event.by, first.event.reason, first.event.treatment_share) == (
        "reweighted",
        "usr_bob",
        "it looks safe",
        0.5,
    )
    events = world.events.list_events("ws", world.experiment.experiment_id)
    assert list_weights(world.plan, events) == [(0.1,), (0.5,), (0.25,)]


@pytest.mark.parametrize(
    ("share", "reason", "path"),
    [(0.0, "r", "$.treatment_share"), (1.0, "r", "$.treatment_share"), (0.5, "r", "$.treatment_share"), (0.3, " ", "$.reason")],
)
def test_a_change_that_is_none_is_refused(share: float, reason: str, path: str) -> None:
    world = World()
    with pytest.raises(InvalidInputError) as caught:
        reweight(world, share, reason)
    assert caught.value.path == path
    assert len(world.events.list_events("ws", world.experiment.experiment_id)) == 1


def test_only_a_running_experiment_is_reweighted() -> None:
    world = World()
    world.run(control=(700, 70), treatment=(1300, 400))
    assert world.analyse().decision == "paused_srm"
    with pytest.raises(ConflictError, match="paused_srm"):
        reweight(world, 0.3)
    world.stop()
    with pytest.raises(ConflictError, match="stopped_by_user"):
        reweight(world, 0.3)


def meet(world: World, variant: Variant, units: list[str], at: object, version: int) -> list[str]:
    experiment_id = world.experiment.experiment_id
    world.ports.warehouse.load_assignments(
        [Assignment("ws", experiment_id, f"{variant}-{version}-{unit}", unit, variant, at, 3, (), version) for unit in units]  # type: ignore[arg-type] # a moment
    )
    return units


def run_ramp(world: World, *, before: tuple[int, int], after: tuple[int, int]) -> None:
    """Meet 4,500 and 500 units by 10 %, of which so many convert, then 2,500 of each by 50 %; 444 of the first controls come back moved."""
    olds, news = [f"o{number}" for number in range(5_000)], [f"n{number}" for number in range(5_000)]
    control, treatment = meet(world, "control", olds[500:], BEGIN, 1), meet(world, "treatment", olds[:500], BEGIN, 1)
    world.land([*control[: before[0]], *treatment[: before[1]]])
    assert world.analyse(BEGIN + 6 * DAY).decision == "running"
    reweight(world, 0.5)
    later = BEGIN + 7 * DAY
    meet(world, "treatment", control[-444:], later, 2)
    control, treatment = meet(world, "control", news[2_500:], later, 2), meet(world, "treatment", news[:2_500], later, 2)
    world.land([*control[: after[0]], *treatment[: after[1]]], at=later + DAY)


def test_units_met_before_a_change_and_moved_by_it_leave_the_analysis() -> None:
    world = World(replace(PLAN, treatment_share=0.1, planned_units=40_000))
    run_ramp(world, before=(450, 50), after=(250, 252))
    found = detail_of(world.analyse(BEGIN + 14 * DAY))

    assert found.allocation_version == 2
    assert (found.primary.counted.control, found.primary.counted.treatment) == (
        VariantStatistics(2_500, 250),
        VariantStatistics(2_500, 252),
    )
    assert (found.sample_ratio.shares, found.sample_ratio.earlier_units) == ((0.5, 0.5), 5_000)
    assert found.sample_ratio.p_value == 1.0
    assert found.exposures.crossovers == 444


def test_conversion_that_shifts_with_the_weights_decides_nothing() -> None:
    """Together, 860 of 3,000 treated units and 2,950 of 7,000 controls convert: 29 % against 42 %, without any effect."""
    world = World(replace(PLAN, treatment_share=0.1, planned_units=40_000))
    run_ramp(world, before=(2_700, 300), after=(250, 250))
    look = world.analyse(BEGIN + 14 * DAY)
    interval = detail_of(look).primary.running_interval

    assert look.decision == "running"
    assert interval is not None
    assert interval.lower < 0.0 < interval.upper


def test_what_was_found_before_a_change_still_counts() -> None:
    world, fresh = (World(replace(PLAN, treatment_share=share, planned_units=20_000)) for share in (0.1, 0.5))
    run_ramp(world, before=(450, 75), after=(250, 300))
    units = [f"n{number}" for number in range(5_000)]
    meet(fresh, "control", units[2_500:], BEGIN, 1)
    meet(fresh, "treatment", units[:2_500], BEGIN, 1)
    fresh.land([*units[2_500:2_750], *units[:300]])
    found, alone = (detail_of(one.analyse(BEGIN + 14 * DAY)).primary for one in (world, fresh))

    assert found.estimate == alone.estimate
    assert found.e_value is not None
    assert alone.e_value is not None
    assert found.e_value > 1.5 * alone.e_value


def test_a_certificate_of_changed_weights_is_verified() -> None:
    world = World(replace(PLAN, treatment_share=0.1, planned_units=20_000))
    run_ramp(world, before=(450, 80), after=(250, 400))
    assert world.analyse(BEGIN + 14 * DAY).decision == "concluded_ship"
    experiment = world.store.get_experiment("ws", world.experiment.experiment_id)
    events = world.events.list_events("ws", experiment.experiment_id)
    certificate = build_certificate(experiment, events=events, looks=world.looks)

    assert [look.detail.allocation_version for look in certificate.looks] == [1, 2]
    assert verify_certificate(certificate, ledger=world.warehouse, progress=ignore_progress) == []
    forged = replace(certificate, events=(certificate.events[0], replace(certificate.events[1], treatment_share=0.4)))
    assert any("sample_ratio" in found.path for found in verify_certificate(forged, ledger=world.warehouse, progress=ignore_progress))


def test_all_versions_units_are_the_planned_ones() -> None:
    world = World(replace(PLAN, treatment_share=0.1, planned_units=9_000))
    run_ramp(world, before=(450, 50), after=(250, 252))
    look = world.analyse(BEGIN + 14 * DAY)

    assert (look.decision, detail_of(look).reason) == ("concluded_inconclusive", "all 9000 planned units are counted without a conclusion")
