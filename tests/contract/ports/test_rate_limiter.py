"""`RateLimiter`, in memory and in memory that processes share."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from presage.adapters.memory.rate_limiter import MemoryRateLimiter
from presage.adapters.shared_memory import rate_limiter as shared
from presage.adapters.shared_memory.rate_limiter import SharedRateLimiter
from presage.tenancy.ports import RateLimiter
from presage.tenancy.rate_limit import RateLimit

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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "shared"])
def limiter(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> RateLimiter:
    builders: dict[str, Callable[[], RateLimiter]] = {
        "memory": lambda: MemoryRateLimiter(clock),
        "shared": lambda: SharedRateLimiter(tmp_path / "calls", clock),
    }
    return builders[str(request.param)]()


def count(limiter: RateLimiter, key: str, calls: int = 20) -> int:
    return sum(limiter.take(key, LIMIT).allowed for _ in range(calls))


def test_a_key_has_its_burst_and_then_its_rate(limiter: RateLimiter, clock: Clock) -> None:
    assert count(limiter, "a") == 5
    clock.now += 0.3
    assert count(limiter, "a") == 3


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
