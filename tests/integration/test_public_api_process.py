"""The public API under its production server, on a real database, DynamoDB, S3 and SQS interface."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import make_url

from localstack.program import free_port
from presage.adapters.sqs.record_queue import SqsRecordMessages
from tests.fixtures.prediction_table import create_table
from tests.fixtures.served import fill_database, upload
from tests.fixtures.serving import CLASSIFICATION, KEY_ID, build_world

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
START_SECONDS = 30
KEY = {"x-presage-api-key-id": KEY_ID, "content-type": "application/json"}


@dataclass
class Running:
    """A started service and what stands behind it."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    table: str
    records_queue: str
    assignments_queue: str

    def call(self, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=KEY)  # noqa: S310 - our own URL
        try:
            with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - our own URL
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


def start(environment: Mapping[str, str], port: int, log: Path) -> subprocess.Popen[bytes]:
    config = "python:services.public_api.gunicorn_conf"
    arguments = ["-m", "gunicorn", "-c", config, "--bind", f"127.0.0.1:{port}", "services.public_api.app:create()"]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **paths, **environment},  # noqa: TID251 - the machine around the service: endpoints and keys
            cwd=log.parent,
            stdout=output,
            stderr=output,
        )


def wait_ready(running: Running, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            if running.call("/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


@pytest.fixture(scope="module")
def running(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    assert emulator
    folder = tmp_path_factory.mktemp("public_api")
    world = build_world(folder)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    world.experiment(model)
    fill_database(mariadb, world)
    url = make_url(mariadb)
    table = f"predictions-{secrets.token_hex(6)}"
    create_table(table)
    queues = {name: boto3.client("sqs").create_queue(QueueName=f"{name}-{secrets.token_hex(6)}")["QueueUrl"] for name in ("r", "a")}
    environment = {
        "PRESAGE_STAGE": "local",
        **upload(world),
        "PRESAGE_PREDICTION_TABLE": table,
        "PRESAGE_RECORDS_QUEUE_URL": queues["r"],
        "PRESAGE_ASSIGNMENTS_QUEUE_URL": queues["a"],
        "PRESAGE_DATABASE_HOST": str(url.host),
        "PRESAGE_DATABASE_PORT": str(url.port),
        "PRESAGE_DATABASE_NAME": str(url.database),
        "PRESAGE_DATABASE_CREDENTIALS": json.dumps({"username": url.username, "password": url.password or ""}),
        "PRESAGE_CATALOG_TTL_SECONDS": "1",
        "PRESAGE_CACHE_DIRECTORY": str(folder / "cache"),
    }
    port = free_port()
    log = folder / "log"
    process = start(environment, port, log)
    service = Running(f"http://127.0.0.1:{port}", port, process, table, queues["r"], queues["a"])
    wait_ready(service, log)
    yield service
    process.terminate()
    process.wait(20)


def test_a_prediction_is_in_the_log_and_its_assignment_on_the_queue_when_it_is_answered(running: Running) -> None:
    status, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": "c1"}, {"id": "c2"}], "include_features": True})
    assert status == 200
    for result, unit in zip(answer["results"], ("c1", "c2"), strict=True):
        item = boto3.client("dynamodb").get_item(TableName=running.table, Key={"prediction_id": {"S": result["prediction_id"]}})["Item"]
        assert (item["entity_id"]["S"], item["variant"]["S"]) == (unit, result["variant"])
        assert json.loads(item["features"]["S"]) == result["features"]
    messages = boto3.client("sqs").receive_message(QueueUrl=running.assignments_queue, MaxNumberOfMessages=10)["Messages"]
    published = [assignment for message in messages for assignment in json.loads(message["Body"])["assignments"]]
    assert {(row["prediction_id"], row["variant"]) for row in published} == {
        (result["prediction_id"], result["variant"]) for result in answer["results"]
    }
    assert {result["answered_by"] for result in answer["results"]} <= {"model", "default"}
    status, found = running.call(f"/v1/predictions/{answer['results'][0]['prediction_id']}")
    assert (status, found["entity_id"]) == (200, "c1")


def test_accepted_records_are_on_the_queue(running: Running) -> None:
    record = {"record_id": "r1", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 2.5}}
    status, answer = running.call("/v1/datasets/orders/records", {"records": [record]})
    assert (status, answer["accepted"]) == (202, 1)
    (message,) = boto3.client("sqs").receive_message(QueueUrl=running.records_queue)["Messages"]
    (read,) = SqsRecordMessages("lake", s3=boto3.client("s3")).read_batch(message["Body"]).records
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


def test_a_request_under_way_is_answered_after_sigterm(running: Running) -> None:
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
    assert running.process.wait(20) == 0
