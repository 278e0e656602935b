from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from presage.experiments.assignment import assign_variant


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
