"""The daemon before the worker: what it posts, what it deletes, what it gives up."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from types_boto3_sqs import SQSClient

from localstack import sqs_daemon
from localstack.sqs_daemon import CronTask, Daemon, DaemonOptions, read_cron
from presage.adapters.client import build_client
from tests.fixtures.metadata_rows import unique

MAX_RECEIVES = 2
PATIENCE_SECONDS = 30.0


@dataclass
class Receiver:
    """A worker that answers as told (0: breaks the connection), and remembers what came."""

    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    pause_seconds: float = 0.0

    @property
    def bodies(self) -> list[str]:
        return [body for _, body, _ in self.requests]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.requests.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
                time.sleep(receiver.pause_seconds)
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status:
                    self.send_response(status)
                    self.send_header("content-length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own name
                """Say nothing."""

        return Handler


@dataclass
class Place:
    client: SQSClient
    queue_url: str
    dead_letters_url: str
    receiver: Receiver
    http_url: str

    def count(self, url: str) -> int:
        attributes = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    def wait(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert time.monotonic() < deadline, self.receiver.requests
            time.sleep(0.05)


@pytest.fixture
def place(emulator: str) -> Iterator[Place]:
    client = build_client("sqs")
    dead_letters_url = client.create_queue(QueueName=unique("dlq"))["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead_letters_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
    queue_url = client.create_queue(QueueName=unique("jobs"), Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), receiver.handler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Place(client, queue_url, dead_letters_url, receiver, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()
    assert emulator


@contextmanager
def running(place: Place, options: DaemonOptions) -> Iterator[threading.Event]:
    stopping = threading.Event()
    thread = threading.Thread(target=Daemon(place.client, options, stopping=stopping).run)
    thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        thread.join(timeout=PATIENCE_SECONDS)


@pytest.fixture
def daemon(place: Place) -> Iterator[None]:
    with running(place, DaemonOptions(place.queue_url, place.http_url, connections=2, visibility_timeout=3, error_visibility_timeout=1)):
        yield


@pytest.mark.integration
@pytest.mark.usefixtures("daemon")
def test_a_message_is_posted_with_the_daemons_headers_and_deleted_on_200(place: Place) -> None:
    sent = place.client.send_message(QueueUrl=place.queue_url, MessageBody='{"a": "ä"}')

    place.wait(lambda: place.receiver.requests != [] and place.count(place.queue_url) == 0)

    (path, body, headers), *others = place.receiver.requests
    assert (path, body, others) == ("/", '{"a": "ä"}', [])
    assert headers["x-aws-sqsd-msgid"] == sent["MessageId"]
    assert headers["x-aws-sqsd-queue"] == place.queue_url.rpartition("/")[2]
    assert headers["x-aws-sqsd-receive-count"] == "1"
    assert headers["x-aws-sqsd-first-received-at"].endswith("Z")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("aws-sqsd/")


@pytest.mark.integration
@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("status", [503, 0])
def test_what_failed_or_broke_off_comes_again(place: Place, status: int) -> None:
    place.receiver.statuses = [status]
    place.client.send_message(QueueUrl=place.queue_url, MessageBody="again")

    place.wait(lambda: len(place.receiver.requests) == 2 and place.count(place.queue_url) == 0)

    assert [headers["x-aws-sqsd-receive-count"] for _, _, headers in place.receiver.requests] == ["1", "2"]
    assert place.count(place.dead_letters_url) == 0


@pytest.mark.integration
@pytest.mark.usefixtures("daemon")
def test_what_is_refused_every_time_ends_in_the_dead_letter_queue(place: Place) -> None:
    place.receiver.statuses = [400] * 9
    place.client.send_message(QueueUrl=place.queue_url, MessageBody="poison")

    place.wait(lambda: place.count(place.dead_letters_url) == 1)

    assert place.receiver.bodies == ["poison"] * MAX_RECEIVES
    assert place.client.receive_message(QueueUrl=place.dead_letters_url)["Messages"][0]["Body"] == "poison"


@pytest.mark.integration
@pytest.mark.usefixtures("daemon")
def test_a_message_that_takes_longer_than_its_visibility_comes_to_another_connection(place: Place) -> None:
    place.receiver.pause_seconds = 4.0
    place.client.send_message(QueueUrl=place.queue_url, MessageBody="slow")

    place.wait(lambda: len(place.receiver.requests) == 2)

    assert place.receiver.bodies == ["slow"] * 2


@pytest.mark.integration
def test_a_post_is_given_up_after_the_inactivity_timeout_and_comes_again(place: Place) -> None:
    place.receiver.pause_seconds = 2.0
    options = DaemonOptions(place.queue_url, place.http_url, visibility_timeout=60, error_visibility_timeout=1, inactivity_timeout=1.0)
    with running(place, options):
        place.client.send_message(QueueUrl=place.queue_url, MessageBody="hangs")
        place.wait(lambda: place.count(place.dead_letters_url) == 1)

    assert place.receiver.bodies == ["hangs"] * MAX_RECEIVES


@pytest.mark.integration
def test_a_stopped_daemon_gives_back_what_it_cannot_wait_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqs_daemon, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(sqs_daemon, "POLL_SECONDS", 1)
    place.receiver.pause_seconds = 8.0
    with running(place, DaemonOptions(place.queue_url, place.http_url, visibility_timeout=600, error_visibility_timeout=0)) as stop:
        place.client.send_message(QueueUrl=place.queue_url, MessageBody="long")
        place.wait(lambda: place.receiver.requests != [])
        stop.set()
        (message,) = place.client.receive_message(QueueUrl=place.queue_url, WaitTimeSeconds=6)["Messages"]

    assert message["Body"] == "long"


@pytest.mark.integration
def test_a_periodic_task_is_posted_at_its_time(place: Place) -> None:
    stopping = threading.Event()
    daemon = Daemon(place.client, DaemonOptions(place.queue_url, place.http_url), stopping=stopping)

    daemon.run_cron([CronTask("tick", "/cron/tick", "* * * * * *")])
    place.wait(lambda: len(place.receiver.requests) >= 2)
    stopping.set()

    path, _, headers = place.receiver.requests[0]
    assert (path, headers["x-aws-sqsd-taskname"]) == ("/cron/tick", "tick")
    assert headers["x-aws-sqsd-scheduled-at"].endswith("Z")


def test_the_workers_cron_yaml_is_well_formed_and_names_its_tasks() -> None:
    tasks = read_cron(Path(__file__).parents[2] / "services" / "worker" / "cron.yaml")

    assert [(task.name, task.path) for task in tasks] == [
        ("relay-outbox", "/cron/relay-outbox"),
        ("notify-outside", "/cron/notify-outside"),
        ("analyse-experiments", "/cron/analyse-experiments"),
        ("sweep-accounts", "/cron/sweep-accounts"),
        ("check-drift", "/cron/check-drift"),
        ("refresh-snapshots", "/cron/refresh-snapshots"),
        ("retrain-models", "/cron/retrain-models"),
    ]


@pytest.mark.parametrize("entry", [{"url": "cron", "schedule": "* * * * *"}, {"url": "/cron", "schedule": "often"}])
def test_a_malformed_cron_yaml_is_refused(tmp_path: Path, entry: dict[str, str]) -> None:
    file = tmp_path / "cron.yaml"
    file.write_text(json.dumps({"version": 1, "cron": [{"name": "t", **entry}]}))

    with pytest.raises(ValueError, match="malformed"):
        read_cron(file)
