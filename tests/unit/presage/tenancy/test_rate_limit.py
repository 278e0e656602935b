"""The generic cell rate algorithm, against a count of what it let through."""

from hypothesis import given
from hypothesis import strategies as st

from presage.tenancy.rate_limit import RateLimit, judge_call

LIMIT = RateLimit(per_second=10, burst=5)


def call_at(times: list[float], limit: RateLimit = LIMIT) -> list[float]:
    """Return the times of the calls that were let through."""
    arrival, passed = 0.0, []
    for now in times:
        verdict, arrival = judge_call(arrival, limit, now=now)
        if verdict.allowed:
            passed.append(now)
    return passed


def test_a_burst_passes_and_no_more() -> None:
    assert len(call_at([100.0] * 20)) == 5


def test_what_was_refused_counts_for_nothing() -> None:
    assert call_at([100.0] * 20 + [100.1 + 1e-9]) == [100.0] * 5 + [100.1 + 1e-9]


def test_the_verdict_says_what_is_left_and_when_to_come_back() -> None:
    first, arrival = judge_call(0.0, LIMIT, now=50.0)
    for _ in range(3):
        _, arrival = judge_call(arrival, LIMIT, now=50.0)
    last, arrival = judge_call(arrival, LIMIT, now=50.0)
    refused, _ = judge_call(arrival, LIMIT, now=50.0)
    assert (first.remaining, last.remaining, refused.remaining) == (4, 0, 0)
    assert (round(first.reset_seconds, 6), round(last.reset_seconds, 6)) == (0.1, 0.5)
    assert round(refused.retry_after_seconds, 6) == 0.1
    assert judge_call(arrival, LIMIT, now=50.0 + refused.retry_after_seconds)[0].allowed


def test_a_time_of_another_clock_does_not_lock_a_key_out() -> None:
    verdict, arrival = judge_call(9e9, LIMIT, now=1.0)
    assert not verdict.allowed
    assert judge_call(arrival, LIMIT, now=1.0 + 0.1)[0].allowed


@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=200),
    st.integers(1, 50),
    st.integers(1, 20),
)
def test_no_window_holds_more_than_the_burst_and_its_rate(gaps: list[float], per_second: int, burst: int) -> None:
    now, times = 1000.0, []
    for gap in gaps:
        now += gap
        times.append(now)
    passed = call_at(times, RateLimit(per_second, burst))
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + (passed[last] - start) * per_second + 1e-3
