"""The deployed rotation changes the database's password under a running service: the function is real, and so is the database."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest

from localstack import calls
from localstack.emulator import REGION, client_environment
from localstack.mariadb import MariaDb
from localstack.program import free_port
from presage.adapters.client import build_client
from presage.adapters.sql.credentials import SecretCredentials
from presage.adapters.sql.database import build_engine
from presage.adapters.sql.migrate import migrate
from tests.contract.wiring.recorded_calls import read_record
from tests.fixtures.backend_settings import build_settings
from tests.fixtures.own_emulator import OwnEmulator, run_own_emulator
from tests.fixtures.servers import SessionServers
from tests.fixtures.synthesis import ROOT

pytestmark = pytest.mark.integration

COMPONENT = "rotate_database_password"
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Place:
    """The deployed database, its secret, and a backend that uses both."""

    emulator: OwnEmulator
    server: MariaDb
    outputs: dict[str, str]
    backend_url: str

    def read(self, stage: str = "AWSCURRENT") -> dict[str, str]:
        secret = self.emulator.client("secretsmanager").get_secret_value(SecretId=self.outputs["DatabaseCredentials"], VersionStage=stage)
        found: dict[str, str] = json.loads(secret["SecretString"])
        return found

    def rotate(self) -> None:
        """Ask as an operator would, and wait until the secret's current version is the one that the answer names."""
        client = self.emulator.client("secretsmanager")
        version = client.rotate_secret(SecretId=self.outputs["DatabaseCredentials"])["VersionId"]
        wait_until(lambda: "AWSCURRENT" in self.stages().get(version, []), what=str(self.stages()))

    def stages(self) -> dict[str, list[str]]:
        described = self.emulator.client("secretsmanager").describe_secret(SecretId=self.outputs["DatabaseCredentials"])
        stages: dict[str, list[str]] = described["VersionIdsToStages"]
        return stages

    def opens(self, credentials: dict[str, str]) -> bool:
        try:
            with closing(pymysql.connect(**address(self.outputs), user=credentials["username"], password=credentials["password"])):
                return True
        except pymysql.err.OperationalError as error:
            if "Access denied" not in str(error):
                raise
            return False

    def end_connections(self) -> int:
        """End every connection of the user at the server, as a failover would; return how many there were."""
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = %s", (self.read()["username"],))
            ended = cursor.fetchall()
            for (number,) in ended:
                cursor.execute("KILL %s", (number,))
        return len(ended)

    def ask(self) -> int:
        """A call that the backend cannot answer without the database: a token that no workspace has."""
        request = urllib.request.Request(f"{self.backend_url}/api/v1/datasets", headers={"authorization": "Bearer nobody"})  # noqa: S310 - our own URL
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own URL
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


def address(outputs: dict[str, str]) -> dict[str, Any]:
    return {"host": outputs["DatabaseHost"], "port": int(outputs["DatabasePort"]), "database": outputs["DatabaseName"]}


def wait_until(reached: Any, *, what: str) -> None:  # noqa: ANN401 - a condition
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def place(servers: SessionServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("rotation")
    with run_own_emulator(servers, folder) as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in client_environment(emulator.port).items():
            patch.setenv(name, value)
        tool, assembly = emulator.deployment_of_local(servers)
        tool.bootstrap(assembly, region=REGION, say=print)
        tool.deploy(assembly, say=print, stacks=["Presage-Local-Metadata"])
        outputs = emulator.deployed.outputs()
        engine = build_engine(
            **address(outputs), credentials=SecretCredentials(build_client("secretsmanager"), outputs["DatabaseCredentials"])
        )
        migrate(engine)
        engine.dispose()
        port = free_port()
        process = start_backend(outputs, port, environment=client_environment(emulator.port), log=folder / "backend.log")
        place = Place(emulator, servers.mariadb(), outputs, f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: is_ready(place), what=f"the backend: {folder / 'backend.log'}")
            yield place
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0


def start_backend(outputs: dict[str, str], port: int, *, environment: dict[str, str], log: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401 - a path
    own = build_settings(
        CACHE_DIRECTORY=log.parent / "cache",
        DATABASE_HOST=outputs["DatabaseHost"],
        DATABASE_PORT=outputs["DatabasePort"],
        DATABASE_NAME=outputs["DatabaseName"],
        DATABASE_SECRET_ARN=outputs["DatabaseCredentials"],
        OPERATOR_TOKEN="operator-token",
    )
    command = ["gunicorn", "-c", "python:services.backend.gunicorn_conf", "--bind", f"127.0.0.1:{port}", "services.backend.app:create()"]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **environment, **own, "PYTHONPATH": "src"},  # noqa: TID251 - the machine around the service
            stdout=output,
            stderr=output,
        )


def is_ready(place: Place) -> bool:
    try:
        with urllib.request.urlopen(f"{place.backend_url}/readyz", timeout=5) as answer:  # noqa: S310 - our own URL
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_the_service_answers_from_the_database_through_a_rotation(place: Place) -> None:
    """It answers 401 for what the database does not know, and 503 when there is no database."""
    before, answers, stopping = place.read(), [], threading.Event()

    def ask() -> None:
        while not stopping.is_set():
            answers.append(place.ask())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        place.rotate()
        during = len(answers)
        wait_until(lambda: len(answers) > during + 20, what="calls after the rotation")
    finally:
        stopping.set()
        for thread in threads:
            thread.join()

    assert set(answers) == {401}
    assert during > 0
    assert place.end_connections() > 0  # nobody asks just now; whatever is answered from here on needs the new password
    assert {place.ask() for _ in range(20)} == {401}
    assert place.read()["password"] != before["password"]
    assert (place.opens(place.read()), place.opens(before)) == (True, False)
    assert place.read("AWSPREVIOUS") == before


def test_a_second_rotation_follows_the_first(place: Place) -> None:
    passwords = {place.read()["password"]}
    for _ in range(2):
        place.rotate()
        passwords.add(place.read()["password"])

    assert len(passwords) == 3
    place.end_connections()
    assert place.ask() == 401


def test_the_secret_knows_its_function_and_its_schedule(place: Place) -> None:
    described = place.emulator.client("secretsmanager").describe_secret(SecretId=place.outputs["DatabaseCredentials"])

    assert described["RotationEnabled"] is True
    assert described["RotationLambdaARN"].endswith(place.outputs["RotateDatabasePasswordFunction"])
    assert described["RotationRules"] in ({"AutomaticallyAfterDays": 30}, {"AutomaticallyAfterDays": "30"})


def test_the_function_calls_what_is_on_record_and_nothing_else(place: Place) -> None:
    lines = (place.emulator.folder / "calls.ndjson").read_text().splitlines()
    made = {call.operation for call in (calls.Call(**json.loads(line)) for line in lines) if call.component == COMPONENT}

    assert made == {call.operation for call in read_record()[COMPONENT]}
