"""What a process remembers of the ids it accepted."""

from datetime import timedelta

from presage.features.recent_ids import RecentIds
from tests.fixtures.feature_records import NOW, make_dataset

DATASET = make_dataset()
MINUTE = timedelta(minutes=1)


def knows(recent: RecentIds, record_id: str, after: timedelta = timedelta(0)) -> bool:
    return any(record_id in ids for ids in recent.ids_of(DATASET, now=NOW + after))


def test_ids_are_known_for_ten_minutes_and_forgotten_within_thirty() -> None:
    recent = RecentIds()
    recent.ids_of(DATASET, now=NOW)
    recent.remember(DATASET, ["a"])
    assert knows(recent, "a", 9 * MINUTE)
    assert knows(recent, "a", 11 * MINUTE)
    assert knows(recent, "a", 20 * MINUTE)
    assert not knows(recent, "a", 22 * MINUTE)


def test_ids_are_forgotten_after_a_long_silence() -> None:
    recent = RecentIds()
    recent.ids_of(DATASET, now=NOW)
    recent.remember(DATASET, ["a"])
    assert not knows(recent, "a", 60 * MINUTE)


def test_the_number_of_ids_is_bounded_and_the_youngest_stay() -> None:
    recent = RecentIds(max_ids=100)
    for number in range(1_000):
        recent.ids_of(DATASET, now=NOW)
        recent.remember(DATASET, [str(number)])
    known = [number for number in range(1_000) if knows(recent, str(number))]
    assert 50 <= len(known) <= 100
    assert known[-1] == 999
    assert known == list(range(known[0], 1_000))


def test_ids_are_a_datasets_own() -> None:
    recent = RecentIds()
    recent.remember(make_dataset("ds_2"), ["a"])
    assert not knows(recent, "a")
