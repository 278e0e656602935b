"""Pauses double, jitter is full, attempts end; an endpoint that fails for long is disabled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from presage.notifications.health import MAX_ATTEMPTS, build_disabled_notification, note_attempt, settle
from presage.notifications.model import Receipt
from tests.fixtures.metadata_rows import NOW, at
from tests.fixtures.notified import make_delivery, make_endpoint

FAILED = Receipt("failed", "Answered 500", 500)
DELIVERED = Receipt("delivered", "Answered 200", 200)


@pytest.mark.parametrize(("attempts", "bound"), [(1, 60), (2, 120), (5, 960), (9, 15360)])
def test_pauses_are_uniform_below_a_bound_that_doubles(attempts: int, bound: float) -> None:
    claimed = make_delivery("ws", attempts=attempts)
    for draw in (0.0, 0.25, 0.999):
        tried = settle(claimed, FAILED, now=NOW, draw=draw)
        assert (tried.state, tried.due_at, tried.last_status, tried.message) == ("pending", at(draw * bound), 500, "Answered 500")


def test_the_last_attempt_is_final_and_so_is_a_refusal() -> None:
    for attempts, receipt in ((MAX_ATTEMPTS, FAILED), (1, Receipt("refused", "gone", 410))):
        ended = settle(make_delivery("ws", attempts=attempts), receipt, now=at(5), draw=0.5)
        assert (ended.state, ended.ended_at) == ("failed", at(5))
    assert settle(make_delivery("ws", attempts=3), DELIVERED, now=at(5), draw=0.5).state == "delivered"


def test_an_endpoint_is_disabled_by_many_failures_over_long_and_not_by_either_alone() -> None:
    endpoint = make_endpoint("ws")
    for minutes in range(50):
        endpoint = note_attempt(endpoint, FAILED, now=NOW + timedelta(minutes=minutes))
    assert (endpoint.state, endpoint.failures, endpoint.failing_since) == ("enabled", 50, NOW)

    few = replace(endpoint, failures=3)
    assert note_attempt(few, FAILED, now=NOW + timedelta(days=9)).state == "enabled"

    disabled = note_attempt(endpoint, FAILED, now=NOW + timedelta(days=3))
    assert disabled.state == "disabled"
    assert "51 attempts in a row failed since 2026-03-01 12:30 UTC" in disabled.reason


def test_a_success_forgets_failures_and_gone_disables_at_once() -> None:
    failing = note_attempt(make_endpoint("ws"), FAILED, now=NOW)
    assert note_attempt(failing, DELIVERED, now=at(9)) == make_endpoint("ws", endpoint_id=failing.endpoint_id, secret_id=failing.secret_id)
    gone = note_attempt(failing, Receipt("refused", "Answered 410", 410), now=at(9))
    assert (gone.state, gone.reason) == ("disabled", "Answered 410")
    assert note_attempt(gone, FAILED, now=at(10)) == gone


def test_the_user_is_told_once_a_time_of_failing() -> None:
    gone = note_attempt(make_endpoint("ws"), Receipt("refused", "Answered 410", 410), now=NOW)
    told = build_disabled_notification(gone, now=at(1))
    assert (told.user_id, told.event) == (gone.created_by, "webhook.disabled")
    assert gone.url in told.body
    assert "Answered 410" in told.body
    assert told.notification_id == build_disabled_notification(gone, now=at(2)).notification_id
    assert len(told.notification_id) <= 64
