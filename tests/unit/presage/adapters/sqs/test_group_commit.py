"""Entries of requests at once share calls, and each request gets its own result. Threads meet by events, never by time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from presage.adapters.sqs.group_commit import GroupCommit, GroupLimits, Outcome
from presage.errors import UnavailableError

PATIENCE_SECONDS = 30


class Gate:
    """A sender whose calls wait until they are let through; it notes what each call carried."""

    def __init__(self, judge: Callable[[str], Outcome] = lambda _: None) -> None:
        self.calls: list[list[str]] = []
        self.began = threading.Semaphore(0)
        self.let = threading.Semaphore(0)
        self._judge = judge

    def send(self, bodies: Sequence[str]) -> list[Outcome]:
        self.calls.append(list(bodies))
        self.began.release()
        assert self.let.acquire(timeout=PATIENCE_SECONDS)
        return [self._judge(body) for body in bodies]

    def wait_for_call(self) -> None:
        assert self.began.acquire(timeout=PATIENCE_SECONDS)


class Crowd:
    """Requests in threads, admitted one after the other so that their order is certain."""

    def __init__(self, group: GroupCommit, pool: ThreadPoolExecutor) -> None:
        self._group, self._pool = group, pool

    def commit(self, body: str, size_bytes: int = 1) -> "Future[None]":
        waiting = len(self._group._waiting)  # noqa: SLF001 - to know when it waits
        future = self._pool.submit(self._group.commit, body, size_bytes)
        while len(self._group._waiting) == waiting and not future.done():  # noqa: SLF001 - same
            threading.Event().wait(0.001)
        return future

    def lead(self, gate: Gate, body: str) -> "Future[None]":
        future = self._pool.submit(self._group.commit, body, 1)
        gate.wait_for_call()
        return future


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32)


def build(gate: Gate, pool: ThreadPoolExecutor, **limits: float) -> Crowd:
    return Crowd(GroupCommit(gate.send, GroupLimits(**{"calls_at_once": 1, **limits})), pool)  # type: ignore[arg-type]


def test_a_lone_entry_is_sent_at_once_and_by_its_own_request() -> None:
    threads: list[int] = []

    def send(bodies: Sequence[str]) -> list[Outcome]:
        threads.append(threading.get_ident())
        return [None] * len(bodies)

    group = GroupCommit(send)
    for body in ("a", "b"):
        group.commit(body, 1)
    assert threads == [threading.get_ident()] * 2


def test_what_arrives_during_a_call_shares_the_next_one(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    crowd = build(gate, pool)
    futures = [crowd.lead(gate, "first"), *(crowd.commit(body) for body in "abc")]
    gate.let.release(2)
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert gate.calls == [["first"], ["a", "b", "c"]]


def test_no_entry_is_durable_before_its_call_is_answered(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    crowd = build(gate, pool)
    first, second = crowd.lead(gate, "first"), crowd.commit("second")
    gate.let.release()
    first.result(PATIENCE_SECONDS)
    gate.wait_for_call()
    assert not second.done()
    gate.let.release()
    second.result(PATIENCE_SECONDS)


def test_calls_at_once_are_bounded(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    crowd = build(gate, pool, calls_at_once=2)
    futures = [crowd.lead(gate, "1"), crowd.lead(gate, "2"), crowd.commit("3"), crowd.commit("4")]
    assert len(gate.calls) == 2
    gate.let.release(3)
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert sorted(gate.calls) == [["1"], ["2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("limits", "sizes", "groups"),
    [
        ({"group_entries": 2}, [1, 1, 1, 1, 1], [2, 2, 1]),
        ({"group_bytes": 10}, [4, 4, 4, 10, 11, 1], [2, 1, 1, 1, 1]),
    ],
)
def test_a_group_keeps_its_limits(pool: ThreadPoolExecutor, limits: dict[str, float], sizes: list[int], groups: list[int]) -> None:
    gate = Gate()
    crowd = build(gate, pool, **limits)
    futures = [crowd.lead(gate, "first"), *(crowd.commit(str(number), size) for number, size in enumerate(sizes))]
    gate.let.release(99)
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert [len(call) for call in gate.calls] == [1, *groups]
    assert [body for call in gate.calls[1:] for body in call] == [str(number) for number in range(len(sizes))]


def test_a_failed_entry_fails_its_own_request_only(pool: ThreadPoolExecutor) -> None:
    gate = Gate(lambda body: UnavailableError("not this one") if body == "b" else None)
    crowd = build(gate, pool)
    futures = {body: crowd.lead(gate, body) if body == "first" else crowd.commit(body) for body in ("first", "a", "b", "c")}
    gate.let.release(2)
    for body in ("first", "a", "c"):
        futures[body].result(PATIENCE_SECONDS)
    with pytest.raises(UnavailableError, match="not this one"):
        futures["b"].result(PATIENCE_SECONDS)


def test_a_failed_call_fails_its_group_and_the_next_one_is_sent(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    calls: list[int] = []

    def send(bodies: Sequence[str]) -> list[Outcome]:
        outcomes = gate.send(bodies)
        calls.append(len(bodies))
        if len(calls) == 2:
            raise RuntimeError("broken")
        return outcomes

    crowd = Crowd(GroupCommit(send, GroupLimits(calls_at_once=1, group_entries=2)), pool)
    first, a, b, c = crowd.lead(gate, "first"), *(crowd.commit(body) for body in "abc")
    gate.let.release(3)
    for future in (a, b):
        with pytest.raises(RuntimeError, match="broken"):
            future.result(PATIENCE_SECONDS)
    for future in (first, c):
        future.result(PATIENCE_SECONDS)


def test_an_answer_with_too_few_outcomes_acknowledges_nothing_that_it_does_not_name() -> None:
    with pytest.raises(ValueError, match="shorter"):
        GroupCommit(lambda _: []).commit("a", 1)


@pytest.mark.parametrize(("limits", "size"), [({"waiting_entries": 2}, 1), ({"waiting_bytes": 10}, 5)])
def test_more_than_may_wait_is_refused_at_once(pool: ThreadPoolExecutor, limits: dict[str, float], size: int) -> None:
    gate = Gate()
    crowd = build(gate, pool, **limits)
    futures = [crowd.lead(gate, "first"), crowd.commit("a", size), crowd.commit("b", size)]
    with pytest.raises(UnavailableError, match="2 entries of"):
        crowd.commit("c", size).result(PATIENCE_SECONDS)
    gate.let.release(2)
    for future in futures:
        future.result(PATIENCE_SECONDS)
    gate.let.release()
    crowd.commit("d", size).result(PATIENCE_SECONDS)
    assert gate.calls == [["first"], ["a", "b"], ["d"]]


def test_an_entry_that_waits_too_long_is_withdrawn_and_never_sent(pool: ThreadPoolExecutor) -> None:
    gate = Gate()
    crowd = build(gate, pool, waiting_seconds=0.01)
    first, late = crowd.lead(gate, "first"), crowd.commit("late")
    with pytest.raises(UnavailableError, match=r"waited 0\.01 s"):
        late.result(PATIENCE_SECONDS)
    gate.let.release()
    first.result(PATIENCE_SECONDS)
    assert gate.calls == [["first"]]


def test_many_requests_at_once_all_end_with_their_own_result(pool: ThreadPoolExecutor) -> None:
    sent: list[str] = []

    def send(bodies: Sequence[str]) -> list[Outcome]:
        sent.extend(bodies)
        return [UnavailableError(body) if int(body) % 7 == 0 else None for body in bodies]

    group = GroupCommit(send)
    futures = {str(number): pool.submit(group.commit, str(number), 100) for number in range(2_000)}
    for body, future in futures.items():
        error = future.exception(PATIENCE_SECONDS)
        assert (str(error) if error else None) == (body if int(body) % 7 == 0 else None)
    assert sorted(sent, key=int) == list(futures)
