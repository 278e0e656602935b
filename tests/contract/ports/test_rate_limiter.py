"""`RateLimiter`, in memory, in memory that processes share, and in MariaDB."""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.rate_limiter import MemoryRateLimiter
from presage.adapters.shared_memory import rate_limiter as shared
from presage.adapters.shared_memory.rate_limiter import SharedRateLimiter
from presage.adapters.sql.account_sweep import SqlAccountSweep
from presage.adapters.sql.rate_limiter import SqlRateLimiter
from presage.tenancy.ports import RateLimiter
from presage.tenancy.rate_limit import RateLimit, RateVerdict

LIMIT = RateLimit(per_second=10, burst=5)
HAMMER = """
import sys, time
from pathlib import Path
from presage.adapters.shared_memory.rate_limiter import SharedRateLimiter
from presage.tenancy.rate_limit import RateLimit
limiter, until = SharedRateLimiter(Path(sys.argv[1])), float(sys.argv[2])
passed = 0
while time.monotonic() < until:
    passed += limiter.take("hammered", RateLimit(1000, 100)).allowed
print(passed)
"""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Prefixed:
    """Keys of one test, in a table that others use."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter, self._prefix = limiter, secrets.token_hex(8)

    def take(self, key: str, limit: RateLimit) -> RateVerdict:
        return self._limiter.take(f"{self._prefix}{key}", limit)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "shared", pytest.param("sql", marks=pytest.mark.integration)])
def limiter(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> RateLimiter:
    builders: dict[str, Callable[[], RateLimiter]] = {
        "memory": lambda: MemoryRateLimiter(clock),
        "shared": lambda: SharedRateLimiter(tmp_path / "calls", clock),
        "sql": lambda: Prefixed(SqlRateLimiter(request.getfixturevalue("engine"), clock)),
    }
    return builders[str(request.param)]()


def count(limiter: RateLimiter, key: str, calls: int = 20) -> int:
    return sum(limiter.take(key, LIMIT).allowed for _ in range(calls))


def test_a_key_has_its_burst_and_then_its_rate(limiter: RateLimiter, clock: Clock) -> None:
    assert count(limiter, "a") == 5
    clock.now += 0.3
    assert count(limiter, "a") == 3


def test_a_refused_call_says_when_the_next_one_is_allowed(limiter: RateLimiter, clock: Clock) -> None:
    count(limiter, "a")
    refused = limiter.take("a", LIMIT)
    assert not refused.allowed
    clock.now += refused.retry_after_seconds
    assert limiter.take("a", LIMIT).allowed


def test_calls_at_once_are_all_counted(limiter: RateLimiter) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: limiter.take("a", LIMIT).allowed, range(40))) == 5


@pytest.mark.integration
def test_keys_that_are_whole_again_are_forgotten(engine: Engine, clock: Clock) -> None:
    limiter, sweep, now = SqlRateLimiter(engine, clock), SqlAccountSweep(engine), datetime.fromtimestamp(1000.35, UTC)
    key = secrets.token_hex(8)
    for each, calls in ((f"{key} whole", 3), (f"{key} ahead", 5)):
        count(limiter, each, calls)

    while sweep.delete_ended(now=now, idle_since=now, begun_before=now, limit=1000):
        pass

    assert (count(limiter, f"{key} whole"), count(limiter, f"{key} ahead")) == (5, 0)


def test_keys_do_not_count_for_each_other(limiter: RateLimiter) -> None:
    assert (count(limiter, "a"), count(limiter, "b")) == (5, 5)


def test_workers_that_share_the_file_share_the_count(tmp_path: Path, clock: Clock) -> None:
    one, other = (SharedRateLimiter(tmp_path / "calls", clock) for _ in range(2))
    assert (count(one, "a", 3), count(other, "a")) == (3, 2)


def test_more_keys_than_slots_lose_only_counts_of_idle_ones(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "SLOTS", 8)
    limiter = SharedRateLimiter(tmp_path / "calls", clock)
    for number in range(8):
        count(limiter, f"old {number}")
    clock.now += 60
    assert [count(limiter, f"new {number}") for number in range(4)] == [5] * 4
    assert [count(limiter, f"new {number}") for number in range(4)] == [0] * 4


def test_processes_that_count_at_once_let_through_what_the_limit_says(tmp_path: Path) -> None:
    began, until = time.monotonic(), time.monotonic() + 3
    command = [sys.executable, "-c", HAMMER, str(tmp_path / "calls"), str(until)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    passed = sum(int(process.communicate(timeout=30)[0]) for process in processes)
    assert 0 < passed <= (100 + 1000 * (until - began)) + 3
