"""The public API under its production server, on a real database, DynamoDB, S3 and SQS interface."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.sqs.prediction_queue import SqsPredictionMessages
from presage.adapters.sqs.record_queue import SqsRecordMessages
from tests.fixtures.public_api_process import START_SECONDS, Running, serve, wait_ready
from tests.fixtures.serving import KEY_ID

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def running(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    assert emulator
    with serve(mariadb, tmp_path_factory.mktemp("public_api")) as service:
        yield service


def test_a_prediction_is_on_the_way_to_the_log_and_the_warehouse_when_it_is_answered(running: Running) -> None:
    status, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": "c1"}, {"id": "c2"}], "include_features": True})
    assert status == 200
    assert {result["answered_by"] for result in answer["results"]} <= {"model", "default"}
    entries = {entry.prediction_id: entry for entry in running.receive_logged()}
    for result, unit in zip(answer["results"], ("c1", "c2"), strict=True):
        entry = entries[result["prediction_id"]]
        assert (entry.entity_id, entry.variant, entry.features) == (unit, result["variant"], result["features"])
    assert {(row.prediction_id, row.variant) for row in running.receive_assignments()} == {
        (result["prediction_id"], result["variant"]) for result in answer["results"]
    }


def test_of_calls_with_one_key_at_once_one_is_executed_and_all_are_answered_alike(running: Running) -> None:
    """Whichever of the server's processes gets them."""
    body = {"model": "m", "features": [{"id": "keyed"}]}

    def ask(_: int) -> dict[str, Any]:
        while True:
            status, answer = running.call("/v1/predict", body, idempotency_key="k-1")
            if status != 409:
                assert status == 200
                return dict(answer)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(24)))
    assert answers == [answers[0]] * 24
    assert [entry.entity_id for entry in running.receive_logged()].count("keyed") == 1
    assert running.call("/v1/predict", body | {"version": 1}, idempotency_key="k-1")[1]["code"] == "idempotency_key_reused"


def test_records_with_a_key_are_sent_once(running: Running) -> None:
    body = {"records": [{"record_id": "keyed", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 2.5}}]}
    answers = [running.call("/v1/datasets/orders/records", body, idempotency_key="k-2") for _ in range(6)]
    assert answers == [(202, answers[0][1])] * 6
    assert answers[0][1]["accepted"] == 1
    assert len(running.receive("RECORDS")) == 1


def test_a_logged_prediction_is_read_back(running: Running) -> None:
    _, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": "c3"}]})
    (result,) = answer["results"]
    assert running.call(f"/v1/predictions/{result['prediction_id']}")[0] == 404
    bodies = [json.dumps(body) for body in running.receive("PREDICTIONS")]
    s3, lake = build_client("s3"), running.settings["PRESAGE_LAKE_BUCKET"]
    log = DynamoPredictionLog(running.settings["PRESAGE_PREDICTION_TABLE"], Overflow(lake, s3))
    log.put_predictions([entry for body in bodies for entry in SqsPredictionMessages(lake, s3=s3).read_entries(body)])
    status, found = running.call(f"/v1/predictions/{result['prediction_id']}")
    assert (status, found["entity_id"], found["result"]) == (200, "c3", result)


def test_accepted_records_are_on_the_queue(running: Running) -> None:
    record = {"record_id": "r1", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 2.5}}
    status, answer = running.call("/v1/datasets/orders/records", {"records": [record]})
    assert (status, answer["accepted"]) == (202, 1)
    (body,) = running.receive("RECORDS")
    (read,) = SqsRecordMessages("lake", s3=build_client("s3")).read_batch(json.dumps(body)).records
    assert (read.record_id, read.values) == ("r1", {"spent": 2.5})


def test_a_call_without_a_model_is_a_problem(running: Running) -> None:
    status, problem = running.call("/v1/predict", {"model": "other", "features": [{"id": "c1"}]})
    assert (status, problem["code"]) == (404, "not_found")


def test_a_key_id_in_a_header_that_only_looks_like_the_gateways_is_not_taken(running: Running) -> None:
    """WSGI gives `x_presage_api_key_id` the same name as the gateway's header; the server must drop it."""
    head = "GET /v1/predictions/5f0c1c4e-5b7e-4c84-9d33-7d2cf0d4d2a1 HTTP/1.1\r\nHost: x\r\n{}: {}\r\nConnection: close\r\n\r\n"
    statuses = []
    for name in ("x-presage-api-key-id", "x_presage_api_key_id", "X-Presage_Api-Key-Id"):
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
            connection.sendall(head.format(name, KEY_ID).encode())
            statuses.append(connection.recv(65_536).split(b" ")[1])
    assert statuses == [b"404", b"401", b"401"]


def find_processes(parent: int) -> dict[str, list[int]]:
    """The ids of the shipper and of the server's processes below `parent`."""
    found: dict[str, list[int]] = {"shipper": [], "server": []}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and descends(int(folder.name), parent):
            words = (folder / "cmdline").read_text()
            found["shipper" if "services.public_api.shipper" in words else "server"].append(int(folder.name))
    return found


def descends(process: int, ancestor: int) -> bool:
    while process > 1:
        try:
            process = int(Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return False
        if process == ancestor:
            return True
    return False


def test_a_killed_shipper_and_killed_workers_are_replaced_and_lose_nothing(running: Running) -> None:
    asked: set[str] = set()
    found: set[str] = set()
    for kind in ("shipper", "server"):
        before = find_processes(running.process.pid)
        _, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": f"{kind}-{number}"} for number in range(50)]})
        asked |= {result["prediction_id"] for result in answer["results"]}
        for process in before[kind][-2:] if kind == "server" else before[kind]:
            os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + START_SECONDS
        while not asked <= found and time.monotonic() < deadline:
            found |= {entry.prediction_id for entry in running.receive_logged(seconds=20)}
    assert asked <= found
    wait_ready(running, running.log)


def test_a_request_under_way_is_answered_after_sigterm_and_what_it_wrote_down_is_handed_over(running: Running) -> None:
    body = json.dumps({"model": "m", "features": [{"id": "late"}]}).encode()
    head = (
        "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nx-presage-api-key-id: {}\r\nContent-Length: {}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(head.format(KEY_ID, len(body)).encode() + body[:10])
        time.sleep(0.5)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[10:])
        answer = b""
        while b'"results"' not in answer and (chunk := connection.recv(65_536)):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"prediction_id"' in answer
    assert running.process.wait(60) == 0
    assert "late" in {entry.entity_id for entry in running.receive_logged()}
    assert list(Path(running.settings["PRESAGE_CACHE_DIRECTORY"], "journal").glob("*.segment")) == []
