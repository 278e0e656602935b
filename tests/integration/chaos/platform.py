"""The public API with its shipper and the log's function, behind proxies, and a load that remembers what it was answered."""

import json
import os
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
from sqlalchemy import make_url

from localstack.program import free_port, wait_until
from tests.fixtures.database_secret import create_secret_of
from tests.fixtures.prediction_table import create_table
from tests.fixtures.public_api import AMPLE_LIMITS
from tests.fixtures.served import upload
from tests.fixtures.serving import KEY_ID, World
from tests.integration.chaos.proxies import Proxy

ROOT = Path(__file__).parents[3]
KEY = {"x-presage-api-key-id": KEY_ID, "content-type": "application/json"}
QUEUES = ("RECORDS", "PREDICTIONS", "ASSIGNMENTS")
START_SECONDS = 60
CALLERS = 3
PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 28
"""A caller behind the gateway waits no longer than this."""


@dataclass
class Answers:
    """What callers were told: how often which status, who answered, and the ids that were acknowledged."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    fallback_reasons: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    slowest_seconds: float = 0.0


@dataclass
class Platform:
    """All that runs, and what it was started with."""

    url: str
    processes: list[subprocess.Popen[bytes]]
    proxies: Mapping[str, Proxy]
    settings: Mapping[str, str]
    assigned: set[str] = field(default_factory=set)

    def call(self, path: str, body: object = None) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, body and headers of one call."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=KEY)  # noqa: S310 - our own URL
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - our own URL
                return response.status, json.load(response), dict(response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error), dict(error.headers)

    def put_files(self, world: World) -> None:
        """Put a world's files beside those that are there."""
        for kind, objects in (("ARTIFACTS", world.files.artifacts), ("LAKE", world.files.lake)):
            for key, body in objects.items():
                boto3.client("s3").put_object(Bucket=self.settings[f"PRESAGE_{kind}_BUCKET"], Key=key, Body=body)

    def list_logged(self, wanted: set[str]) -> set[str]:
        """Which of these predictions the table holds."""
        client, found = boto3.client("dynamodb"), set()
        for page in client.get_paginator("scan").paginate(
            TableName=self.settings["PRESAGE_PREDICTION_TABLE"], ProjectionExpression="prediction_id", ConsistentRead=True
        ):
            found |= {item["prediction_id"]["S"] for item in page["Items"]}
        return found & wanted

    def list_assigned(self) -> set[str]:
        """The predictions of all assignments that were published up to now."""
        client, queue = boto3.client("sqs"), self.settings["PRESAGE_ASSIGNMENTS_QUEUE_URL"]
        while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.assigned |= {row["prediction_id"] for row in json.loads(message["Body"])["assignments"]}
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return self.assigned

    def wait_handed_over(self, answers: Answers, *, seconds: float) -> tuple[set[str], set[str]]:
        """Return what of the acknowledged is missing in the log and among the assignments, at the latest after so long."""
        deadline = time.monotonic() + seconds
        while True:
            missing = answers.acknowledged - self.list_logged(answers.acknowledged), answers.acknowledged - self.list_assigned()
            if not any(missing) or time.monotonic() > deadline:
                return missing
            time.sleep(0.5)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(90)
        for proxy in self.proxies.values():
            proxy.close()


class Load:
    """Callers that ask until the context ends, each about its own entities."""

    def __init__(self, platform: Platform, model: str) -> None:
        self._platform = platform
        self._model = model
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._callers = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CALLERS)]
        self.answers = Answers()

    def __enter__(self) -> Self:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for caller in self._callers:
            caller.join()

    def count(self) -> int:
        return sum(self.answers.statuses.values())

    def wait_for(self, more: int, *, seconds: float = 60) -> None:
        """Return when so many more calls were answered."""
        goal = self.count() + more
        wait_until(lambda: self.count() >= goal, seconds=seconds, what=f"{more} more answers")

    def _ask_on(self, caller: int) -> None:
        number = 0
        while not self._stopped.wait(PAUSE_SECONDS):
            number += 1
            began = time.monotonic()
            try:
                status, body, _ = self._platform.call("/v1/predict", {"model": self._model, "features": [{"id": f"u{caller}-{number}"}]})
            except OSError as error:
                self._note(type(error).__name__, {}, time.monotonic() - began)
            else:
                self._note(status, body, time.monotonic() - began)

    def _note(self, status: int | str, body: Mapping[str, Any], seconds: float) -> None:
        with self._lock:
            self.answers.statuses[status] += 1
            self.answers.slowest_seconds = max(self.answers.slowest_seconds, seconds)
            for result in body.get("results", ()):
                self.answers.acknowledged.add(result["prediction_id"])
                self.answers.answered_by[result["answered_by"]] += 1
                self.answers.fallback_reasons[result.get("fallback_reason", "none")] += 1


def start_platform(world: World, database_url: str, *, emulator_port: int, folder: Path) -> Platform:
    """Start everything; the world's files are uploaded, its rows are expected to be in the database."""
    url = make_url(database_url)
    proxies = {name: Proxy(name, emulator_port) for name in ("dynamodb", "sqs", "s3")} | {"mysql": Proxy("mysql", int(url.port or 3306))}
    table = f"predictions-{secrets.token_hex(6)}"
    create_table(table)
    queues = {name: boto3.client("sqs").create_queue(QueueName=f"{name.lower()}-{secrets.token_hex(6)}")["QueueUrl"] for name in QUEUES}
    settings = {
        "PRESAGE_STAGE": "local",
        **upload(world),
        "PRESAGE_PREDICTION_TABLE": table,
        **{f"PRESAGE_{name}_QUEUE_URL": queue for name, queue in queues.items()},
        "PRESAGE_DATABASE_HOST": "127.0.0.1",
        "PRESAGE_DATABASE_PORT": str(proxies["mysql"].port),
        "PRESAGE_DATABASE_NAME": str(url.database),
        "PRESAGE_DATABASE_SECRET_ARN": create_secret_of(database_url),
        "PRESAGE_MODEL_MEMORY_BYTES": "100000000",
        "PRESAGE_CATALOG_TTL_SECONDS": "1",
        "PRESAGE_REQUEST_LIMITS": AMPLE_LIMITS,
        "PRESAGE_CACHE_DIRECTORY": str(folder / "cache"),
    }
    cut_off = {f"AWS_ENDPOINT_URL_{name.upper()}": f"http://127.0.0.1:{proxies[name].port}" for name in ("dynamodb", "sqs", "s3")}
    port = free_port()
    commands = {
        "service": ("-m", "services.public_api", "--bind", f"127.0.0.1:{port}"),
        "consumer": ("-m", "tests.integration.chaos.consumer"),
    }
    processes = [_start(command, {**settings, **cut_off}, folder / name) for name, command in commands.items()]
    platform = Platform(f"http://127.0.0.1:{port}", processes, proxies, settings)
    wait_until(lambda: _is_ready(platform), seconds=START_SECONDS, what="the public API", is_alive=lambda: processes[0].poll() is None)
    return platform


def _start(command: tuple[str, ...], settings: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    machine = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTHONDONTWRITEBYTECODE": "1"}  # noqa: TID251 - endpoints and keys
    with log.open("wb") as output:
        return subprocess.Popen([sys.executable, *command], env={**machine, **settings}, cwd=log.parent, stdout=output, stderr=output)


def _is_ready(platform: Platform) -> bool:
    try:
        return platform.call("/readyz")[0] == 200
    except OSError:
        return False
