"""What runs beside a worker on Elastic Beanstalk, here: POSTs each message of a queue to the worker, and its cron.yaml.

`python -m localstack.sqs_daemon --queue-url URL --http-url http://127.0.0.1:PORT --cron services/worker/cron.yaml`

A 200 deletes the message. Anything else, a broken connection included, makes it visible again after the error visibility
timeout; how often it comes before it goes to the dead-letter queue is the queue's own redrive policy. As on Beanstalk, a message
is hidden once, for the visibility timeout, and a post is given up after the inactivity timeout. A daemon that is stopped gives back
what it cannot wait for; one that is killed leaves it hidden until the visibility timeout is over.
"""

from __future__ import annotations

import argparse
import http.client
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from croniter import croniter

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

OK = 200
POLL_SECONDS = 5
PAUSE_SECONDS = 1.0
CRON_TIMEOUT_SECONDS = 300.0
GRACE_SECONDS = 10.0
"""How long running posts may go on after the daemon is asked to stop."""
USER_AGENT = "aws-sqsd/3.0"


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """The option settings of `aws:elasticbeanstalk:sqsd` with its own defaults, times in seconds."""

    queue_url: str
    http_url: str
    connections: int = 4
    visibility_timeout: int = 300
    error_visibility_timeout: int = 5
    inactivity_timeout: float = 299.0
    path: str = "/"
    mime_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class CronTask:
    """One entry of cron.yaml."""

    name: str
    path: str
    schedule: str


def read_cron(path: Path) -> list[CronTask]:
    """Return the tasks of a cron.yaml; an entry that Elastic Beanstalk would refuse raises `ValueError`."""
    content = yaml.safe_load(path.read_text())
    if not isinstance(content, dict) or content.get("version") != 1:
        raise ValueError(f"{path}: expected `version: 1`")
    tasks = [CronTask(str(entry["name"]), str(entry["url"]), str(entry["schedule"])) for entry in content["cron"]]
    for task in tasks:
        if not task.path.startswith("/") or not croniter.is_valid(task.schedule):
            raise ValueError(f"{path}: task {task.name!r} has a malformed url or schedule")
    return tasks


class Daemon:
    """Polls, posts, deletes. Stops when `stopping` is set: running posts end, what was not begun is given back."""

    def __init__(self, client: SQSClient, options: DaemonOptions, *, stopping: threading.Event) -> None:
        """Use `client` for the queue; nothing is polled yet."""
        self._client = client
        self._options = options
        self._stopping = stopping
        self._free = threading.Semaphore(options.connections)
        self._running: dict[str, MessageTypeDef] = {}

    def run(self) -> None:
        """Poll until stopped; then wait a little for the running posts, and give back the messages of those that go on."""
        with ThreadPoolExecutor(self._options.connections, thread_name_prefix="post") as pool:
            while not self._stopping.is_set():
                if not self._free.acquire(timeout=PAUSE_SECONDS):
                    continue
                message = self._receive()
                if message is None:
                    self._free.release()
                else:
                    pool.submit(self._deliver, message)
            self._give_back()

    def _give_back(self) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(0.1)
        for message in list(self._running.values()):
            print(f"sqsd: message {message['MessageId']}: given back", flush=True)
            self._change_visibility(message, self._options.error_visibility_timeout)

    def run_cron(self, tasks: Sequence[CronTask]) -> None:
        """Post each task at its times until stopped. Times that were missed while a task ran are skipped."""
        threads = [threading.Thread(target=self._repeat, args=(task,), name=f"cron-{task.name}", daemon=True) for task in tasks]
        for thread in threads:
            thread.start()

    def _receive(self) -> MessageTypeDef | None:
        try:
            answer = self._client.receive_message(
                QueueUrl=self._options.queue_url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=POLL_SECONDS,
                VisibilityTimeout=self._options.visibility_timeout,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"],
            )
        except (BotoCoreError, ClientError) as error:
            print(f"sqsd: the queue did not answer: {error}", file=sys.stderr, flush=True)
            self._stopping.wait(PAUSE_SECONDS)
            return None
        return next(iter(answer.get("Messages", [])), None)

    def _deliver(self, message: MessageTypeDef) -> None:
        self._running[message["MessageId"]] = message
        try:
            status = self._post(self._options.path, message["Body"], self._describe(message), self._options.inactivity_timeout)
            print(f"sqsd: message {message['MessageId']}: {status}", flush=True)
            self._settle(message, done=status == OK)
        finally:
            del self._running[message["MessageId"]]
            self._free.release()

    def _describe(self, message: MessageTypeDef) -> dict[str, str]:
        attributes = message.get("Attributes", {})
        received = int(attributes.get("ApproximateFirstReceiveTimestamp", str(int(time.time() * 1000)))) / 1000
        return {
            "X-Aws-Sqsd-Msgid": message["MessageId"],
            "X-Aws-Sqsd-Queue": self._options.queue_url.rpartition("/")[2],
            "X-Aws-Sqsd-First-Received-At": f"{datetime.fromtimestamp(received, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "X-Aws-Sqsd-Receive-Count": attributes.get("ApproximateReceiveCount", "1"),
        }

    def _settle(self, message: MessageTypeDef, *, done: bool) -> None:
        if not done:
            self._change_visibility(message, self._options.error_visibility_timeout)
            return
        try:
            self._client.delete_message(QueueUrl=self._options.queue_url, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as error:
            print(f"sqsd: message {message['MessageId']} was not deleted and comes again: {error}", file=sys.stderr, flush=True)

    def _change_visibility(self, message: MessageTypeDef, seconds: int) -> None:
        try:
            self._client.change_message_visibility(
                QueueUrl=self._options.queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
            )
        except (BotoCoreError, ClientError) as error:
            print(f"sqsd: visibility of message {message['MessageId']} unchanged: {error}", file=sys.stderr, flush=True)

    def _post(self, path: str, body: str, headers: Mapping[str, str], timeout_seconds: float) -> int | str:
        """Return the status, or what went wrong instead of one."""
        address = urlsplit(self._options.http_url)
        connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port or 80, timeout=timeout_seconds)
        try:
            all_headers = {"Content-Type": self._options.mime_type, "User-Agent": USER_AGENT, **headers}
            connection.request("POST", path, body.encode(), all_headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        return response.status

    def _repeat(self, task: CronTask) -> None:
        while not self._stopping.is_set():
            at = croniter(task.schedule, datetime.now(UTC)).get_next(datetime)
            if self._stopping.wait(max(0.0, (at - datetime.now(UTC)).total_seconds())):
                return
            headers = {
                "X-Aws-Sqsd-Taskname": task.name,
                "X-Aws-Sqsd-Scheduled-At": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "X-Aws-Sqsd-Path": task.path,
                "X-Aws-Sqsd-Sender-Id": "localstack",
            }
            print(f"sqsd: task {task.name}: {self._post(task.path, '', headers, CRON_TIMEOUT_SECONDS)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--queue-url", required=True)
    parser.add_argument("--http-url", required=True)
    parser.add_argument("--cron", type=Path)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--visibility-timeout", type=int, default=300)
    parser.add_argument("--error-visibility-timeout", type=int, default=5)
    parser.add_argument("--inactivity-timeout", type=float, default=299.0)
    parser.add_argument("--path", default="/")
    parser.add_argument("--mime-type", default="application/json")
    values = vars(parser.parse_args(arguments))
    cron: Path | None = values.pop("cron")
    options = DaemonOptions(**{**values, "http_url": values["http_url"].rstrip("/")})
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    config = Config(connect_timeout=2, read_timeout=POLL_SECONDS + 15, retries={"mode": "standard", "total_max_attempts": 3})
    daemon = Daemon(boto3.client("sqs", config=config), options, stopping=stopping)
    daemon.run_cron(read_cron(cron) if cron else [])
    daemon.run()


if __name__ == "__main__":
    main()
