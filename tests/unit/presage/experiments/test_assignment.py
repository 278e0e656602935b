from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from presage.errors import InvalidInputError
from presage.experiments.assignment import (
    Allocation,
    Arm,
    Placement,
    Segment,
    assign_variant,
    compute_moved_share,
    compute_position,
    place_unit,
    share_units,
)


def test_a_unit_keeps_its_variant_across_releases() -> None:
    """Written down once: changing the hash would move running experiments' users."""
    found = [assign_variant(salt="exp_1", unit_id=f"unit-{number}", treatment_share=0.5) for number in range(8)]
    assert "".join(variant[0] for variant in found) == "tctttcct"


def test_the_split_is_as_planned() -> None:
    for share in (0.1, 0.5, 0.9):
        counts = Counter(assign_variant(salt="s", unit_id=str(number), treatment_share=share) for number in range(20_000))
        assert abs(counts["treatment"] / 20_000 - share) < 0.011


def test_experiments_split_independently() -> None:
    pairs = Counter(
        (assign_variant(salt="a", unit_id=str(n), treatment_share=0.5), assign_variant(salt="b", unit_id=str(n), treatment_share=0.5))
        for n in range(20_000)
    )
    assert all(abs(count / 20_000 - 0.25) < 0.012 for count in pairs.values())


@given(st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_raising_the_share_moves_units_into_treatment_only(salt: str, unit: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    if assign_variant(salt=salt, unit_id=unit, treatment_share=low) == "treatment":
        assert assign_variant(salt=salt, unit_id=unit, treatment_share=high) == "treatment"


def test_the_ends_of_the_share() -> None:
    assert assign_variant(salt="s", unit_id="u", treatment_share=0.0) == "control"
    assert assign_variant(salt="s", unit_id="u", treatment_share=1.0) == "treatment"


ARMS = (Arm("a", 0.2), Arm("b", 0.3), Arm("control", 0.5))
UNITS = [str(number) for number in range(20_000)]


def place(allocation: Allocation) -> Counter[str | None]:
    found = [place_unit(unit, allocation) for unit in UNITS]
    return Counter(one.arm or one.excluded for one in found)


def test_many_arms_are_drawn_by_their_weights() -> None:
    counts = place(Allocation("s", ARMS))
    assert chisquare([counts[arm.name] for arm in ARMS], [arm.weight * len(UNITS) for arm in ARMS]).pvalue > 0.001


@given(st.text(), st.text(), st.floats(0.01, 0.99))
def test_two_arms_are_placed_as_variants_are_assigned(salt: str, unit: str, share: float) -> None:
    allocation = Allocation(salt, (Arm("treatment", share), Arm("control", 1.0 - share)))
    assert place_unit(unit, allocation).arm == assign_variant(salt=salt, unit_id=unit, treatment_share=share)


@given(st.text(), st.text())
def test_places_are_within_the_unit_interval(salt: str, unit: str) -> None:
    assert 0.0 <= compute_position(salt=salt, unit_id=unit) < 1.0


def test_a_holdout_meets_no_experiment_whatever_its_salt() -> None:
    holdout = Segment("holdout", 0.0, 0.1)
    held = [{unit for unit in UNITS if place_unit(unit, Allocation(salt, ARMS, holdout)).excluded == "holdout"} for salt in ("s", "t")]
    assert held[0] == held[1]
    assert abs(len(held[0]) / len(UNITS) - 0.1) < 0.011
    counts = place(Allocation("s", ARMS, holdout))
    rest = [counts[arm.name] for arm in ARMS]
    assert chisquare(rest, [arm.weight * sum(rest) for arm in ARMS]).pvalue > 0.001


def test_experiments_of_one_layer_share_no_unit_and_those_of_two_layers_do() -> None:
    one, other = Segment("layer", 0.0, 0.4), Segment("layer", 0.4, 1.0)
    assert not share_units(one, other)
    members = [{unit for unit in UNITS if place_unit(unit, Allocation("s", ARMS, segment=part)).arm} for part in (one, other)]
    assert not members[0] & members[1]
    assert len(members[0] | members[1]) == len(UNITS)
    elsewhere = {unit for unit in UNITS if place_unit(unit, Allocation("t", ARMS, segment=Segment("another", 0.0, 0.4))).arm}
    assert abs(len(elsewhere & members[0]) / len(UNITS) - 0.16) < 0.011


def test_a_unit_outside_the_segment_says_so() -> None:
    allocation = Allocation("s", ARMS, segment=Segment("layer", 0.0, 0.0001), version=3)
    assert place_unit("unit-1", allocation) == Placement(None, "other_segment", 3)


@settings(max_examples=25)
@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_changed_weights_move_the_share_that_is_told(weights: list[float], random: Random) -> None:
    before = Allocation("s", tuple(Arm(str(index), weight / sum(weights)) for index, weight in enumerate(weights)))
    others = [random.uniform(0.01, 1.0) for _ in weights]
    after = Allocation("s", tuple(Arm(str(index), weight / sum(others)) for index, weight in enumerate(others)), version=2)
    assert compute_moved_share(before, before) == pytest.approx(0.0, abs=1e-9)
    moved = sum(place_unit(unit, before).arm != place_unit(unit, after).arm for unit in UNITS[:1_000])
    share = compute_moved_share(before, after)
    assert moved / 1_000 == pytest.approx(share, abs=5 * (share * (1 - share) / 1_000) ** 0.5 + 0.001)


@pytest.mark.parametrize(
    ("arms", "version", "message"),
    [
        ((Arm("a", 1.0),), 1, "at least two arms"),
        ((Arm("a", 0.5), Arm("a", 0.5)), 1, "different names"),
        ((Arm("a", 0.5), Arm("b", 0.4)), 1, "sum to 1"),
        ((Arm("a", 1.0), Arm("b", 0.0)), 1, "above 0"),
        (ARMS, 0, "version must be"),
    ],
)
def test_arms_that_cannot_be_drawn_from_are_refused(arms: tuple[Arm, ...], version: int, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Allocation("s", arms, version=version)


def test_segments_share_units_if_they_overlap_in_one_layer() -> None:
    for start, end in ((0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(InvalidInputError, match="0 <= start < end <= 1"):
            Segment("layer", start, end)
    half = Segment("layer", 0.0, 0.5)
    for other, shared in ((Segment("layer", 0.4, 1.0), True), (Segment("layer", 0.5, 1.0), False), (Segment("other", 0.0, 1.0), False)):
        assert share_units(half, other) == share_units(other, half) == shared
