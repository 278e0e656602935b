from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from presage.training.sampling import count_train_times, is_test_entity, label_pool, sample_items, sweep_pool

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


def test_the_boundary_leaves_at_least_one_observation_before_it() -> None:
    assert [count_train_times(count) for count in (0, 1, 2, 10)] == [1, 1, 2, 7]
