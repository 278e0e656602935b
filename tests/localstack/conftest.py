"""Fixtures of the suite against the genuine LocalStack."""

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from localstack import genuine
from tests.localstack.project_stacks import ProjectStacks

DEPLOYED = ("Alerts", "Storage", "Queues", "Gateway")


@pytest.fixture(scope="session")
def genuine_localstack(request: pytest.FixtureRequest) -> str:
    """The endpoint URL of a running genuine LocalStack."""
    if genuine.ENDPOINT_VARIABLE not in os.environ:  # noqa: TID251 - how localstack.genuine names what it started
        pytest.skip("needs the genuine LocalStack: make test-localstack")
    url: str = request.getfixturevalue("emulator")
    return url


class Origin(ThreadingHTTPServer):
    """Stands for the public API: answers 200 and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Origin

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.command, self.path, headers, body))
        answer = b'{"answered":true}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - named by http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    server = Origin()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def stacks(genuine_localstack: str, origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> ProjectStacks:  # noqa: ARG001 - clients point at it
    return ProjectStacks(tmp_path_factory.mktemp("assembly"), origin=origin.url, names=DEPLOYED)


@pytest.fixture(scope="session")
def alerts(stacks: ProjectStacks) -> dict[str, str]:
    """Outputs of the deployed stack, as in the fixtures below."""
    return stacks.deploy("Alerts")


@pytest.fixture(scope="session")
def storage(stacks: ProjectStacks) -> dict[str, str]:
    return stacks.deploy("Storage")


@pytest.fixture(scope="session")
def queues(stacks: ProjectStacks, alerts: dict[str, str]) -> dict[str, str]:  # noqa: ARG001 - its alarms import the topic
    return stacks.deploy("Queues")
