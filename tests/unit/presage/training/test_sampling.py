from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from presage.training.sampling import choose_boundary_day, is_test_entity, label_pool, sample_items, sweep_pool

EVENTS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abcdefg")), max_size=60)


@given(EVENTS, st.integers(1, 5))
def test_the_swept_pool_is_the_naive_one_at_every_moment(events: list[tuple[int, str]], limit: int) -> None:
    changes = list(sweep_pool(sorted(events), limit))
    for moment in range(14):
        pool: set[str] = set()
        for change in changes:
            if change.at_us <= moment:
                (pool.add if change.enters else pool.discard)(change.item)
        counts = Counter(item for at, item in events if at <= moment)
        assert pool == set(sorted(counts, key=lambda item: (-counts[item], item))[:limit])


def test_samples_hold_positives_of_the_pool_and_negatives_that_were_never_taken() -> None:
    pool = [f"i{number}" for number in range(50)]
    rows = sample_items(pool, frozenset({"i1", "i2", "elsewhere"}), negatives_per_positive=3, seed="p1")
    assert {item for item, label in rows if label} == {"i1", "i2"}
    assert len([item for item, label in rows if not label]) == 6
    assert rows == sample_items(reversed(pool), frozenset({"i2", "i1", "elsewhere"}), negatives_per_positive=3, seed="p1")
    assert rows != sample_items(pool, frozenset({"i1", "i2", "elsewhere"}), negatives_per_positive=3, seed="p2")


def test_an_observation_without_a_positive_in_the_pool_has_no_rows() -> None:
    assert sample_items(["a"], frozenset({"z"}), negatives_per_positive=3, seed="p1") == []
    assert label_pool(["a"], frozenset({"z"})) == []
    assert label_pool(["a", "z"], frozenset({"z"})) == [("a", 0), ("z", 1)]


def test_about_a_quarter_of_entities_is_for_testing() -> None:
    assert 2300 < sum(is_test_entity(f"p{number}") for number in range(10_000)) < 2700


def count_sides(observed: dict[int, int], window_days: int) -> tuple[int, int]:
    boundary = choose_boundary_day(observed, window_days)
    train = sum(count for day, count in observed.items() if day + window_days <= boundary)
    return train, sum(count for day, count in observed.items() if day > boundary)


def test_the_boundary_leaves_seven_parts_for_training_and_three_for_testing() -> None:
    assert count_sides(dict.fromkeys(range(105), 10), window_days=5) == (700, 300)


def test_a_long_window_starves_neither_side() -> None:
    burst_then_trickle = {day: 1000 if day < 90 else 10 for day in range(270)}
    train, test = count_sides(burst_then_trickle, window_days=90)
    assert train > 900
    assert test > 900


def test_a_few_observations_of_long_ago_do_not_move_the_boundary_to_their_time() -> None:
    assert count_sides({0: 1, 1: 1} | dict.fromkeys(range(20_000, 20_105), 10), window_days=5) == (702, 300)


def test_without_observations_there_is_still_a_boundary() -> None:
    assert choose_boundary_day({}, 7) == 0


@given(st.dictionaries(st.integers(0, 30), st.integers(1, 20), max_size=12), st.integers(1, 10))
def test_no_other_day_serves_the_smaller_side_better(observed: dict[int, int], window_days: int) -> None:
    def measure(boundary: int) -> int:
        train = sum(count for day, count in observed.items() if day + window_days <= boundary)
        return min(3 * train, 7 * sum(count for day, count in observed.items() if day > boundary))

    chosen = choose_boundary_day(observed, window_days)
    assert measure(chosen) == max(measure(day) for day in range(45))
