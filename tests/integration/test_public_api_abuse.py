"""What no caller may do to the public API's process: break its contract, crash it, look into it, hold it up."""

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.public_api.context import KEY_HEADER
from services.public_api.front import BODY_SECONDS
from services.public_api.routes.openapi import DOCUMENT
from services.public_api.serve import HEADER_SECONDS
from tests.fixtures.narrowed import narrow
from tests.fixtures.public_api_process import ROOT, Running, serve
from tests.fixtures.raw_http import KEY, PREDICTION, ask, build_broken, build_post
from tests.fixtures.serving import KEY_ID

pytestmark = pytest.mark.integration
SEED = 4
BROKEN_REQUESTS = 3_000
SLOW_CONNECTIONS = 200
ACCEPTANCE = """\
[[operations]]
include-operation-id = "sendRecords"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = "predict"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""
"""Records of the form in the document may still be of the future, or of other columns than the dataset's; and the generator gives one
idempotency key to several calls."""


@pytest.fixture(scope="module")
def running(emulator: str, mariadb: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    assert emulator
    with serve(mariadb, tmp_path_factory.mktemp("public_api_abuse")) as service:
        yield service


def predict(running: Running) -> str:
    status, answer = running.call("/v1/predict", {"model": "m", "features": [{"id": "c1"}]})
    assert status == 200
    return str(answer["results"][0]["prediction_id"])


def test_generated_requests_find_no_answer_that_the_document_does_not_promise(running: Running, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(narrow(json.loads(DOCUMENT.read_text()), key_header=KEY_HEADER, prediction_id=predict(running))))
    (tmp_path / "schemathesis.toml").write_text(ACCEPTANCE)
    options = ["--url", running.url, "--header", f"{KEY_HEADER}: {KEY_ID}", "--seed", str(SEED), "--max-examples", "50"]
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            document,
            *options,
            "--no-shrink",
            "--continue-on-failure",
            "--checks",
            "all",
            "--warnings",
            "off",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert running.process.poll() is None
    predict(running)


def test_broken_requests_never_get_a_fault_or_a_look_inside(running: Running) -> None:
    chance = random.Random(SEED)
    written = running.log.stat().st_size
    answers = [ask(running.port, build_broken(chance)) for _ in range(BROKEN_REQUESTS)]
    statuses = {answer.status for answer in answers}
    assert {200, 400, 403, 404, 405, 408, 411, 413, 415, 422, 431} <= statuses
    assert [answer for answer in answers if answer.status is not None and answer.status >= 500] == []
    inside = (b"Traceback", b'File "', str(ROOT).encode(), b"site-packages", b"Error:")
    assert [answer for answer in answers if any(word in answer.received for word in inside)] == []
    with running.log.open() as log:
        log.seek(written)
        assert [line for line in log if '"level":"error"' in line] == []
    assert running.process.poll() is None
    predict(running)


@pytest.mark.parametrize("header", [b"x-a: " + b"a" * 1_000_000, b"\r\n".join(b"x-%d: a" % number for number in range(5_000))])
def test_huge_headers_are_refused(running: Running, header: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(build_post(b"/v1/predict", PREDICTION, header)[:100_000])
        assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")
    predict(running)


def test_slow_callers_hold_up_nobody_and_are_sent_away(running: Running) -> None:
    with ExitStack() as stack:
        bodies, headers = [
            [stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=60)) for _ in range(count)]
            for count in (SLOW_CONNECTIONS, SLOW_CONNECTIONS // 4)
        ]
        for number, connection in enumerate(bodies):
            path = b"/v1/predict" if number % 2 else b"/v1/datasets/orders/records"
            connection.sendall(build_post(path, PREDICTION[:5], length=len(PREDICTION)))
        for connection in headers:
            connection.sendall(b"POST /v1/predict HTTP/1.1\r\n" + KEY)
        began = time.monotonic()
        for _ in range(10):
            predict(running)
        assert time.monotonic() - began < min(BODY_SECONDS, HEADER_SECONDS) / 2
        answers = [connection.recv(65_536) for connection in bodies]
        assert {answer.split(b" ", 2)[1] for answer in answers} == {b"408"}
        assert all(b"body_too_slow" in answer for answer in answers)
        assert {connection.recv(65_536)[:12] for connection in headers} <= {b"", b"HTTP/1.1 408", b"HTTP/1.1 400"}
    predict(running)
