"""What the short way of predictions adds to the contract, which it is held to with Flask's (tests/contract/http)."""

import json
import math
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

from presage.adapters.memory.record_queue import MemoryRecordQueue
from presage.runtime.admission import Admission
from presage.tenancy.rate_limit import RateLimit
from services.public_api.app import build_app
from services.public_api.context import PublicApiPorts
from services.public_api.direct import DirectPredict
from tests.fixtures.public_api import build_ports
from tests.fixtures.serving import CLASSIFICATION, KEY_ID, World, build_world

KEY = {"x-presage-api-key-id": KEY_ID}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = build_world(tmp_path)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    return world


def ask(ports: PublicApiPorts, *, direct: bool = True, **headers: str) -> TestResponse:
    app = build_app(ports)
    client = Client(DirectPredict(app, ports) if direct else app)
    body = {"model": "m", "features": [{"id": "c1"}]}
    return client.post("/v1/predict", json=body, headers=KEY | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("direct", [True, False])
def test_a_key_over_its_limit_is_told_when_to_come_back(world: World, *, direct: bool) -> None:
    ports = build_ports(world, records=MemoryRecordQueue(), limits={"standard": RateLimit(0.5, 2), "free": RateLimit(1, 1)})
    answers = [ask(ports, direct=direct) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["ratelimit-limit"] == "2"
    assert (answers[2].get_json()["code"], answers[2].headers["retry-after"]) == ("rate_limited", "2")
    assert len(world.log.entries) == 2


def test_an_overloaded_worker_says_so_at_once(world: World) -> None:
    admission = Admission(max_wait_seconds=math.inf, max_running=1)
    ports = build_ports(world, records=MemoryRecordQueue(), admission=admission)
    token = admission.enter()
    answer = ask(ports)
    assert (answer.status_code, answer.get_json()["code"], answer.headers["retry-after"]) == (503, "overloaded", "2")
    admission.leave(token)
    assert ask(ports).status_code == 200
    assert admission.running == 0


def test_what_waits_for_stores_leaves_threads_to_predictions_and_to_health(world: World) -> None:
    ports = build_ports(world, records=MemoryRecordQueue())
    tokens = [ports.waiting.enter() for _ in range(100)]
    client = Client(DirectPredict(build_app(ports), ports))
    assert client.get("/v1/openapi.json").status_code == 503
    assert client.get("/healthz").status_code == 200
    assert ask(ports).status_code == 200
    for token in tokens:
        ports.waiting.leave(token)
    assert client.get("/v1/openapi.json").status_code == 200


def test_an_error_nobody_foresaw_is_told_without_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = build_ports(world, records=MemoryRecordQueue())
    monkeypatch.setattr(type(world.log), "put_predictions", lambda *_: 1 / 0)
    answer = ask(ports, x_request_id="mine-1")
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "mine-1")
    assert "division" not in answer.get_data(as_text=True)
    assert json.loads(answer.data)["request_id"] == "mine-1"
    assert ports.admission.running == 0
