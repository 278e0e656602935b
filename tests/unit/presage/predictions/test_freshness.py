"""A cache that loads once, stays fresh, and serves stale while its source is down."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from presage.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError
from presage.predictions.catalog import CatalogCache
from presage.predictions.freshness import MISSES_IN_A_ROW, RENEWALS, FreshCache
from tests.fixtures.serving import CLASSIFICATION, KEY_ID, WORKSPACE, build_world


class Source:
    """A counter that can fail."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.clock = 0.0
        self.started: list[Callable[[], None]] = []
        """What is to be done in the background."""
        self.has_threads = True

    def load(self, key: str) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return f"{key}{self.calls}"

    def cache(self, *, ttl_seconds: float = 10.0, capacity: int = 100) -> FreshCache[str, str]:
        return FreshCache(
            self.load,
            ttl_seconds=ttl_seconds,
            retry_seconds=1.0,
            capacity=capacity,
            clock=lambda: self.clock,
            start=self.start,
        )

    def start(self, work: Callable[[], None]) -> None:
        if not self.has_threads:
            raise RuntimeError("can't start new thread")
        self.started.append(work)

    def work(self) -> None:
        while self.started:
            self.started.pop()()


def test_a_value_is_loaded_once_until_it_is_old() -> None:
    source = Source()
    cache = source.cache()
    assert [cache.get("a"), cache.get("a"), cache.get("b")] == ["a1", "a1", "b2"]
    source.clock = 10.0
    assert cache.get("a") == "a3"


def test_the_last_value_is_served_while_the_source_is_down_and_asked_for_again_after_a_pause() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.error, source.clock = UnavailableError("down"), 10.0
    assert [cache.get("a"), cache.get("a")] == ["a1", "a1"]
    assert source.calls == 2
    source.error, source.clock = None, 11.0
    assert cache.get("a") == "a1"
    source.work()
    assert cache.get("a") == "a3"


def test_a_value_in_the_second_half_of_its_time_is_renewed_behind_who_asks() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.clock = 4.9
    assert (cache.get("a"), len(source.started)) == ("a1", 0)
    source.clock = 5.0
    assert [cache.get("a"), cache.get("a")] == ["a1", "a1"]
    assert (source.calls, len(source.started)) == (1, 1)
    source.work()
    assert cache.get("a") == "a2"


def test_a_renewal_that_gets_no_thread_is_tried_again() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.clock, source.has_threads = 5.0, False
    assert cache.get("a") == "a1"
    source.has_threads = True
    assert cache.get("a") == "a1"
    source.work()
    assert cache.get("a") == "a2"


def test_nobody_waits_for_a_renewal_that_does_not_end() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.clock = 5.0
    cache.get("a")
    source.clock = 60.0
    assert (cache.get("a"), source.calls) == ("a1", 1)


def test_a_value_nobody_asked_for_is_waited_for_even_after_an_outage() -> None:
    """Who asks seldom is not served what is older than the time of values and one try."""
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.error, source.clock = UnavailableError("down"), 5.0
    cache.get("a")
    source.work()
    source.error, source.clock = None, 16.0
    assert cache.get("a") == "a3"


def test_few_values_are_renewed_at_once() -> None:
    source = Source()
    cache = source.cache()
    keys = [str(number) for number in range(RENEWALS + 2)]
    for key in keys:
        cache.get(key)
    source.clock = 5.0
    for key in keys:
        cache.get(key)
    assert len(source.started) == RENEWALS
    source.work()
    for key in keys:
        cache.get(key)
    assert len(source.started) == 2


def test_without_a_last_value_the_error_is_raised_and_remembered_for_a_pause() -> None:
    source = Source()
    source.error = UnavailableError("down")
    cache = source.cache()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            cache.get("a")
    assert source.calls == 1
    source.error, source.clock = None, 1.0
    assert cache.get("a") == "a2"


def test_only_what_is_served_stale_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.error = UnavailableError("down")
    cache = source.cache()
    with pytest.raises(UnavailableError):
        cache.get("a")
    assert caplog.messages == []
    source.error, source.clock = None, 1.0
    cache.get("a")
    source.error, source.clock = UnavailableError("down"), 20.0
    cache.get("a")
    assert caplog.messages == ["serving the last known value: down"]


def test_what_is_gone_is_not_served_stale() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.error, source.clock = NotFoundError("gone"), 10.0
    with pytest.raises(NotFoundError):
        cache.get("a")


def test_the_least_recently_used_value_goes_first() -> None:
    source = Source()
    cache = source.cache(capacity=2)
    for key in ("a", "b", "a", "c"):
        cache.get(key)
    assert cache.get("a") == "a1"
    assert cache.get("b") == "b4"


def test_one_thread_loads_and_the_others_wait_for_it() -> None:
    started, release = threading.Event(), threading.Event()
    calls = []

    def load(key: str) -> str:
        calls.append(key)
        started.set()
        release.wait(5)
        return key

    cache = FreshCache(load, ttl_seconds=10.0)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    started.wait(5)
    release.set()
    for thread in threads:
        thread.join(5)
    assert (found, calls) == (["a"] * 8, ["a"])


def test_while_one_thread_loads_the_others_get_the_last_value() -> None:
    release, loading = threading.Event(), threading.Event()
    clock = 0.0

    def load(key: str) -> str:
        if clock:
            loading.set()
            release.wait(5)
        return f"{key}@{clock:g}"

    cache = FreshCache(load, ttl_seconds=10.0, clock=lambda: clock)
    assert cache.get("a") == "a@0"
    clock = 20.0
    thread = threading.Thread(target=cache.get, args=("a",))
    thread.start()
    loading.wait(5)
    assert cache.get("a") == "a@0"
    release.set()
    thread.join(5)
    assert cache.get("a") == "a@20"


def test_keys_and_catalogs_outlive_the_database(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    world.add_model("m", CLASSIFICATION, "0")
    cache = CatalogCache(world.catalog, ttl_seconds=0.0)
    assert cache.get_caller(KEY_ID).workspace_id == WORKSPACE
    assert cache.get_deployment(WORKSPACE, "m").model.name == "m"
    world.catalog.down = True
    assert cache.get_caller(KEY_ID).workspace_id == WORKSPACE
    assert cache.get_dataset(WORKSPACE, "orders").dataset_id == "ds_1"
    with pytest.raises(UnavailableError):
        cache.get_caller("another key")


def test_a_revoked_key_is_refused_when_the_cached_one_is_old(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    cache = CatalogCache(world.catalog, ttl_seconds=0.0)
    cache.get_caller(KEY_ID)
    del world.catalog.callers[KEY_ID]
    with pytest.raises(ForbiddenError):
        cache.get_caller(KEY_ID)
    with pytest.raises(UnauthenticatedError):
        cache.get_caller(None)


def test_a_value_is_renewed_for_some_misses_at_once_and_then_once_in_a_while() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    assert [cache.renew("a") for _ in range(MISSES_IN_A_ROW)][-1] == "a11"
    assert cache.renew("a") == "a11"
    source.clock = 1.0
    assert [cache.renew("a"), cache.renew("a")] == ["a12", "a12"]


def test_a_value_is_not_renewed_again_at_once_when_its_source_is_down() -> None:
    source = Source()
    cache = source.cache()
    cache.get("a")
    source.error = UnavailableError("down")
    assert [cache.renew("a"), cache.renew("a")] == ["a1", "a1"]
    assert source.calls == 2
    source.clock = 1.0
    assert cache.renew("a") == "a1"
    assert source.calls == 3


def test_what_was_created_a_moment_ago_is_found_before_the_metadata_are_old(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    cache = CatalogCache(world.catalog, ttl_seconds=3600.0)
    assert cache.get_dataset(WORKSPACE, "orders").dataset_id == "ds_1"
    deployment = world.catalog.catalogs[WORKSPACE]
    world.add_model("new", CLASSIFICATION, "0")
    assert cache.get_deployment(WORKSPACE, "new").model.name == "new"
    assert world.catalog.catalogs[WORKSPACE] is not deployment


def test_names_that_do_not_exist_cannot_keep_the_database_busy(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    cache = CatalogCache(world.catalog, ttl_seconds=3600.0, clock=lambda: 0.0)
    for number in range(50):
        with pytest.raises(NotFoundError):
            cache.get_dataset(WORKSPACE, f"no{number}")
        with pytest.raises(NotFoundError):
            cache.get_deployment(WORKSPACE, f"no{number}")
        with pytest.raises(ForbiddenError):
            cache.get_caller("nobody's")
    assert world.catalog.asked == {"load_catalog": 1 + MISSES_IN_A_ROW, "find_caller": 1}


def test_a_key_and_a_version_that_were_not_there_are_looked_for_again_after_a_second(tmp_path: Path) -> None:
    now, world = 0.0, build_world(tmp_path)
    caller = world.catalog.callers.pop(KEY_ID)
    world.add_model("m", CLASSIFICATION, "0")
    cache = CatalogCache(world.catalog, ttl_seconds=3600.0, clock=lambda: now)
    deployment = cache.get_deployment(WORKSPACE, "m")
    with pytest.raises(ForbiddenError):
        cache.get_caller(KEY_ID)
    with pytest.raises(NotFoundError):
        cache.get_version(deployment, 1)
    world.catalog.callers[KEY_ID] = caller
    world.add_version(deployment.model, 1, weights=(0, 0, 0))
    now = 1.0
    assert cache.get_caller(KEY_ID) == caller
    assert cache.get_version(deployment, 1).version == 1
