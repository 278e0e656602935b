"""Signed calls against a server of the test's own: what goes over the wire, and what comes of each answer."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, NoCredentialsError

from presage.adapters.signed_calls import SignedCalls
from presage.errors import UnavailableError

pytestmark = pytest.mark.enable_socket
KEYS = Credentials("key", "secret")
SIGNED = re.compile(r"Credential=key/(\d{8})/eu-west-1/sqs/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})")


@dataclass
class Server:
    port: int
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    status: int = 200
    answer: bytes = b'{"ok":1}'
    goodbye: bool = False
    """Close each connection after its answer, without saying so."""
    silent: threading.Event | None = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            found.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            found.connections.add(self.client_address[1])
            if found.silent:
                found.silent.wait(30)
            self.send_response(found.status)
            self.send_header("content-length", str(len(found.answer)))
            self.end_headers()
            self.wfile.write(found.answer)
            self.close_connection = found.goodbye

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        found = Server(listening.server_address[1])
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{found.port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_SDK_UA_APP_ID": "presage-test",
        }.items():
            monkeypatch.setenv(name, value)
        yield found
        listening.shutdown()
        thread.join()


def test_a_call_is_signed_and_named_as_botocore_would(server: Server) -> None:
    assert SignedCalls(read_timeout_seconds=5).call("SendMessageBatch", b'{"a":1}') == b'{"ok":1}'
    (headers,) = server.headers
    assert server.bodies == [b'{"a":1}']
    assert headers["x-amz-target"] == "AmazonSQS.SendMessageBatch"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert "app/presage-test" in headers["user-agent"]
    signed = SIGNED.search(headers["authorization"])
    assert signed is not None
    kept = {name: headers[name] for name in signed[2].split(";") if name in headers}
    again = AWSRequest("POST", f"http://127.0.0.1:{server.port}/", data=b'{"a":1}', headers=kept)
    again.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(KEYS, "sqs", "eu-west-1")
    assert auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again) == signed[3]


def test_connections_are_used_again(server: Server) -> None:
    calls = SignedCalls(read_timeout_seconds=5)
    for _ in range(3):
        calls.call("SendMessageBatch", b"{}")
    assert len(server.connections) == 1


def test_a_connection_that_the_other_side_closed_meanwhile_is_not_used_again(server: Server) -> None:
    server.goodbye = True
    calls = SignedCalls(read_timeout_seconds=5)
    for number in range(1, 4):
        calls.call("SendMessageBatch", b"{}")
        wait_for_goodbye(calls)
        assert len(server.connections) == number


def wait_for_goodbye(calls: SignedCalls) -> None:
    (connection,) = calls._connections._idle  # noqa: SLF001 - to wait for what the other side does
    connection.sock.settimeout(10)
    assert connection.sock.recv(1, 2) == b""  # MSG_PEEK


def test_an_answer_that_is_an_error_is_what_boto3_would_raise(server: Server) -> None:
    server.status, server.answer = 400, b'{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}'
    with pytest.raises(ClientError) as caught:
        SignedCalls(read_timeout_seconds=5).call("SendMessageBatch", b"{}")
    assert caught.value.response["Error"] == {"Code": "QueueDoesNotExist", "Message": "no"}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_page_that_is_no_answer_of_the_service_is_an_error_of_its_status(server: Server) -> None:
    server.status, server.answer = 503, b"<html>\xff"
    with pytest.raises(ClientError) as caught:
        SignedCalls(read_timeout_seconds=5).call("SendMessageBatch", b"{}")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_a_service_that_does_not_answer_is_unavailable(server: Server) -> None:
    server.silent = threading.Event()
    with pytest.raises(UnavailableError, match="did not answer"):
        SignedCalls(read_timeout_seconds=0.05).call("SendMessageBatch", b"{}")
    server.silent.set()


def test_a_service_that_cannot_be_reached_is_unavailable(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert server.port
    with pytest.raises(UnavailableError, match="did not answer"):
        SignedCalls(read_timeout_seconds=5).call("SendMessageBatch", b"{}")


@pytest.mark.usefixtures("server")
def test_without_keys_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(NoCredentialsError):
        SignedCalls(read_timeout_seconds=5).call("SendMessageBatch", b"{}")
