"""`SeenIds`: one suite over memory and a temporary database on disk."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from presage.adapters.memory import seen_ids as memory
from presage.adapters.sqlite import seen_ids as sqlite
from presage.features.sources.ports import SeenIds

Open = Callable[[], AbstractContextManager[SeenIds]]


@pytest.fixture(params=[memory.open_seen_ids, sqlite.open_seen_ids], ids=["memory", "sqlite"])
def open_seen_ids(request: pytest.FixtureRequest) -> Open:
    opener: Open = request.param
    return opener


def test_an_id_is_new_once(open_seen_ids: Open) -> None:
    with open_seen_ids() as seen:
        assert seen.admit([("a", 5), ("b", 5), ("a", 5)]) == [True, True, False]
        assert seen.admit([("b", 6), ("c", 6), ("é", 6)]) == [False, True, True]


def test_an_id_that_was_known_earlier_counts_again(open_seen_ids: Open) -> None:
    with open_seen_ids() as seen:
        assert seen.admit([("a", 5), ("a", 4), ("a", 4), ("a", 5)]) == [True, True, False, False]


def test_a_set_begins_empty(open_seen_ids: Open) -> None:
    for _ in range(2):
        with open_seen_ids() as seen:
            assert seen.admit([("a", 5)]) == [True]


def test_many_ids_are_told_apart(open_seen_ids: Open) -> None:
    ids = [(f"id-{number}", number) for number in range(50_000)]
    with open_seen_ids() as seen:
        assert all(seen.admit(ids))
        assert not any(seen.admit(ids))
