"""What may be promoted and what to roll back to."""

import pytest

from delivery.errors import DeliveryError
from delivery.history import Kind, Move, check_promotion, decode, encode, find_live, find_previous, is_proven


def run(*moves: tuple[str, Kind]) -> tuple[Move, ...]:
    history: tuple[Move, ...] = ()
    for digest, kind in moves:
        history = (*history, Move(digest, find_live(history) or "", kind, "2026-01-01T00:00:00+00:00"))
    return history


def test_a_history_survives_being_written() -> None:
    history = run(("a", "release"), ("b", "release"))
    assert decode(encode(history)) == history


def test_production_gets_only_what_staging_has_run() -> None:
    staging = run(("a", "release"))
    check_promotion("production", "a", staging=staging)
    check_promotion("staging", "b", staging=staging)
    with pytest.raises(DeliveryError, match="not run on staging"):
        check_promotion("production", "b", staging=staging)


def test_a_build_that_staging_rolled_back_is_not_promoted_until_it_is_released_there_again() -> None:
    history = run(("a", "release"), ("b", "release"), ("a", "rollback"))
    assert is_proven(history, "a")
    assert not is_proven(history, "b")
    assert is_proven((*history, Move("b", "a", "release", "")), "b")


def test_the_previous_build_is_never_one_that_was_rolled_back() -> None:
    assert find_previous(run(("a", "release"), ("b", "release"))) == "a"
    assert find_previous(run(("a", "release"), ("b", "release"), ("c", "release"), ("b", "rollback"))) == "a"


def test_there_is_nothing_to_roll_back_to_after_the_first_release() -> None:
    with pytest.raises(DeliveryError, match="no earlier build"):
        find_previous(run(("a", "release")))
