"""What the catalog's cache notes of the keys that it is asked for."""

from datetime import datetime, timedelta

import pytest

from presage.adapters.memory.serving_catalog import MemoryServingCatalog
from presage.predictions.catalog import CatalogCache
from presage.tenancy.model import Caller
from tests.fixtures.metadata_rows import at


class Place:
    """A cache of one key, both clocks of which are set by hand."""

    def __init__(self, caller: Caller) -> None:
        self.source, self.seconds = MemoryServingCatalog(), 0.0
        self.source.callers["k"] = caller
        self.cache = CatalogCache(self.source, ttl_seconds=5.0, clock=lambda: self.seconds, now=lambda: at(self.seconds))

    def use(self, seconds: float) -> datetime | None:
        self.seconds = seconds
        assert self.cache.get_caller("k").workspace_id == "ws_1"
        return self.source.callers["k"].last_used_at


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    place = Place(Caller("k", "ws_1", "free"))

    assert [place.use(seconds) for seconds in (0, 10, 59)] == [at(0)] * 3
    assert [place.use(seconds) for seconds in (66, 100)] == [at(66)] * 2
    assert place.use(3600) == at(3600)


def test_an_expired_key_is_not_used() -> None:
    place = Place(Caller("k", "ws_1", "free", expires_at=at(100)))

    assert place.use(99) == at(99)
    assert place.use(99 + timedelta(minutes=5).total_seconds()) == at(99)


def test_a_database_that_takes_no_writes_costs_the_note_and_not_the_call(caplog: pytest.LogCaptureFixture) -> None:
    place = Place(Caller("k", "ws_1", "free"))
    place.source.read_only = True

    assert place.use(0) is None
    assert "key k is used could not be noted" in caplog.text
    place.source.read_only = False
    assert place.use(10) == at(10)
