"""What the front adds to the contract, to which it is held together with Flask alone (tests/contract/http)."""

import json
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # granian exports it without `__all__`

from presage.adapters.memory.idempotency_store import MemoryIdempotencyStore
from presage.adapters.memory.prediction_journal import MemoryPredictionJournal
from presage.adapters.memory.record_queue import MemoryRecordQueue
from presage.features.messages import BatchMessage
from presage.predictions.blocks import Block
from presage.predictions.catalog import CatalogCache
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.use_cases import PredictionPorts
from presage.runtime.observability import FIELDS_ATTRIBUTE
from presage.tenancy.keyed_call import Claim, Held
from presage.tenancy.rate_limit import RateLimit
from services.public_api import front as fronts
from services.public_api.app import build_app
from services.public_api.context import PublicApiPorts
from services.public_api.front import Front
from tests.fixtures.public_api import build_ports
from tests.fixtures.rsgi import FakeConnection, FakeScope, Worker
from tests.fixtures.serving import CLASSIFICATION, KEY_ID, RANKING, World, build_world

KEY = {"x-presage-api-key-id": KEY_ID, "content-type": "application/json"}
BODY = json.dumps({"model": "m", "features": [{"id": "c1"}]}).encode()
LONG = [{"id": "c" * 250}] * 70
RECORDS = json.dumps({"records": [{"entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 1.5}}]}).encode()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = build_world(tmp_path)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    return world


class BrokenConnection(FakeConnection):
    """One that ends before its body does."""

    async def __call__(self) -> bytes:
        raise ProtocolClosed


class SlowQueue(MemoryRecordQueue):
    """A queue that takes nothing before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def publish_batch(self, message: BatchMessage) -> None:
        assert self.may_go_on.wait(20)
        super().publish_batch(message)


class SlowAnswers(MemoryIdempotencyStore):
    """A store that answers nothing before it may, and notes on which threads it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()
        self.threads: list[str] = []

    def claim(self, claim: Claim) -> Held | None:
        self.threads.append(threading.current_thread().name.rpartition("_")[0])
        assert self.may_go_on.wait(20)
        return super().claim(claim)


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    started: list[Worker] = []
    yield started
    for worker in started:
        worker.stop()


def start(workers: list[Worker], ports: PublicApiPorts) -> Worker:
    workers.append(Worker(Front(build_app(ports), ports)))
    return workers[-1]


def ask(worker: Worker, body: bytes = BODY, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = KEY | {"content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    status, answered, answer = worker.call(FakeScope("POST", "/v1/predict", named), FakeConnection([body]))
    return status, dict(answered.items()), answer


def send_records(worker: Worker) -> int:
    headers = KEY | {"content-length": str(len(RECORDS))}
    return worker.call(FakeScope("POST", "/v1/datasets/orders/records", headers), FakeConnection([RECORDS]))[0]


def read_health(worker: Worker) -> int:
    return worker.call(FakeScope("GET", "/healthz", {}), FakeConnection([]))[0]


def test_a_key_over_its_limit_is_told_when_to_come_back(world: World, workers: list[Worker]) -> None:
    limits = {"standard": RateLimit(0.5, 2), "free": RateLimit(1, 1)}
    worker = start(workers, build_ports(world, records=MemoryRecordQueue(), limits=limits))  # type: ignore[arg-type]
    answers = [ask(worker) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert [headers["ratelimit-remaining"] for _, headers, _ in answers] == ["1", "0", "0"]
    assert (answers[2][1]["ratelimit-limit"], answers[2][1]["retry-after"]) == ("2", "2")
    assert json.loads(answers[2][2])["code"] == "rate_limited"
    world.ship()
    assert len(world.log.entries) == 2


def test_slow_stores_hold_up_neither_predictions_nor_health(world: World, workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "FLASK_THREADS", 2)
    monkeypatch.setattr(fronts, "WAITING_REQUESTS", 4)
    queue = SlowQueue()
    worker = start(workers, build_ports(world, records=queue))
    with ThreadPoolExecutor(8) as callers:
        waiting = [callers.submit(send_records, worker) for _ in range(4)]
        deadline = time.monotonic() + 10
        while worker.front.waiting.running < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (ask(worker)[0], read_health(worker), send_records(worker)) == (200, 200, 503)
        queue.may_go_on.set()
        assert [call.result() for call in waiting] == [202] * 4
    assert send_records(worker) == 202


def test_calls_with_a_key_wait_for_their_store_where_nothing_is_computed(world: World, workers: list[Worker]) -> None:
    store = SlowAnswers()
    worker = start(workers, build_ports(world, records=MemoryRecordQueue(), answers=store))
    heavy = json.dumps({"model": "m", "features": LONG}).encode()
    with ThreadPoolExecutor(4) as callers:
        waiting = [callers.submit(ask, worker, idempotency_key=f"k{number}") for number in range(4)]
        deadline = time.monotonic() + 10
        while len(store.threads) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (ask(worker)[0], ask(worker, heavy)[0]) == (200, 200)
        store.may_go_on.set()
        assert [call.result()[0] for call in waiting] == [200] * 4
    assert store.threads == ["flask"] * 4


def test_a_worker_whose_loop_is_late_says_so_at_once(world: World, workers: list[Worker]) -> None:
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    assert ask(worker)[0] == 200
    worker.loop.call_soon_threadsafe(time.sleep, 0.5)
    time.sleep(0.45)
    status, headers, body = ask(worker)
    assert (status, json.loads(body)["code"], headers["retry-after"]) == (503, "overloaded", "2")
    deadline = time.monotonic() + 10
    while ask(worker)[0] != 200:
        assert time.monotonic() < deadline


def count_answers(caplog: pytest.LogCaptureFixture) -> dict[int, int]:
    """Return how many answers of each status the traffic lines count."""
    lines = [getattr(record, FIELDS_ATTRIBUTE) for record in caplog.records if record.message == "traffic"]
    return {line["status"]: line["count"] for line in lines}


def test_calls_refused_for_overload_are_counted_with_the_others(
    world: World, workers: list[Worker], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    many = json.dumps({"model": "m", "features": LONG}).encode()
    assert [ask(worker)[0], ask(worker, many)[0]] == [200, 200]
    monkeypatch.setattr(fronts, "LONGEST_WAIT_SECONDS", -1.0)
    assert ask(worker)[0] == 503
    monkeypatch.setattr(fronts, "LONGEST_WAIT_SECONDS", 60.0)
    for _ in range(fronts.WAITING_REQUESTS):
        worker.front.computing.enter()
    assert ask(worker, many)[0] == 503
    worker.front.route.traffic.flush()
    assert count_answers(caplog) == {200: 2, 503: 2}


def test_metadata_is_loaded_on_another_thread_than_the_loops(world: World, workers: list[Worker]) -> None:
    loaded: list[str] = []

    class Watching(type(world.catalog)):  # type: ignore[misc]
        def load_catalog(self, workspace_id: str) -> object:
            loaded.append(threading.current_thread().name)
            return world.catalog.load_catalog(workspace_id)

    source = Watching()
    source.callers, source.versions = world.catalog.callers, world.catalog.versions
    catalog = CatalogCache(source, ttl_seconds=math.inf)
    world.ports = PredictionPorts(catalog, world.ports.scorers, world.ports.journal, world.ports.log)
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    assert [ask(worker)[0] for _ in range(3)] == [200] * 3
    assert [name.rpartition("_")[0] for name in loaded] == ["compute"]


def test_what_computes_for_long_leaves_the_loop_to_others(world: World, workers: list[Worker]) -> None:
    ranking = world.add_model("r", RANKING, ("f9",))
    world.deploy(ranking, world.add_version(ranking, 1, weights=(0, 0, 0, 0.1, 0)))
    threads: list[str] = []

    class Watching(MemoryPredictionJournal):
        def append(self, entries: Sequence[PredictionLogEntry], blocks: Sequence[Block] = ()) -> None:
            threads.append(threading.current_thread().name.rpartition("_")[0])
            super().append(entries, blocks)

    catalog = CatalogCache(world.catalog, ttl_seconds=math.inf)
    world.ports = PredictionPorts(catalog, world.ports.scorers, Watching(), world.ports.log)
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    entry = {"id": "c1"}
    calls: list[dict[str, object]] = [
        {"model": "m", "features": [entry]},
        {"model": "m", "features": [entry]},
        {"model": "m", "features": [entry], "explain": True},
        {"model": "m", "features": [entry] * 100},
        {"model": "m", "features": LONG},
        {"model": "r", "features": [entry]},
    ]
    assert [ask(worker, json.dumps(call).encode())[0] for call in calls] == [200] * 6
    assert [name == "compute" for name in threads[1:]] == [False, True, False, True, True]


def test_a_body_that_does_not_arrive_costs_its_caller_only(world: World, workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fronts, "BODY_SECONDS", 0.2)
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    headers = KEY | {"content-length": "100"}
    status, _, body = worker.call(FakeScope("POST", "/v1/predict", headers), FakeConnection([b"{"] * 100, pause_seconds=0.05))
    assert (status, json.loads(body)["code"]) == (408, "body_too_slow")
    assert ask(worker)[0] == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/datasets/orders/records"])
def test_a_body_that_is_not_known_to_be_whole_is_not_taken(world: World, workers: list[Worker], path: str) -> None:
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    chunked = FakeScope("POST", path, KEY | {"transfer-encoding": "chunked"})
    status, _, body = worker.call(chunked, FakeConnection([BODY]))
    assert (status, json.loads(body)["code"]) == (411, "length_required")
    broken = FakeScope("POST", path, KEY | {"content-length": str(len(BODY))})
    status, _, body = worker.call(broken, BrokenConnection([BODY]))
    assert (status, json.loads(body)["code"]) == (408, "body_incomplete")
    world.ship()
    assert world.log.entries == {}


def test_an_error_nobody_foresaw_is_told_without_its_words(world: World, workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    worker = start(workers, build_ports(world, records=MemoryRecordQueue()))
    monkeypatch.setattr(type(world.ports.journal), "append", lambda *_: 1 / 0)
    status, headers, body = ask(worker, x_request_id="mine-1")
    assert (status, headers["x-request-id"], json.loads(body)["request_id"]) == (500, "mine-1", "mine-1")
    assert b"division" not in body
