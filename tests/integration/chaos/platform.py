"""The public API with its shipper and the log's function, behind proxies, and what came of what they answered."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from presage.experiments.messages import decode_message
from tests.fixtures.public_api_process import ROOT, Running, prepare, run
from tests.fixtures.serving import World
from tests.integration.chaos.proxies import Proxy

AWS = ("dynamodb", "sqs", "s3")
STOP_SECONDS = 30
KEYS_A_CALL = 100


@dataclass
class Platform:
    """The service, its proxies, and the function's process."""

    service: Running
    consumer: subprocess.Popen[bytes]
    proxies: Mapping[str, Proxy]
    logs: tuple[Path, ...]
    _assigned: set[str] = field(default_factory=set)

    def list_processes(self) -> dict[int, str]:
        """The command lines of all that runs, by process id."""
        found = {self.service.process.pid: "service", self.consumer.pid: "consumer"}
        parents = {int(folder.name): folder for folder in Path("/proc").iterdir() if folder.name.isdigit()}
        while children := {pid: folder for pid, folder in parents.items() if pid not in found and _find_parent(folder) in found}:
            found |= {pid: (folder / "cmdline").read_text().replace("\0", " ") for pid, folder in children.items()}
        return found

    def count_passed(self, names: tuple[str, ...]) -> list[int]:
        """How many bytes each of these proxies has passed on."""
        return [self.proxies[name].passed_bytes for name in names]

    def list_faults(self) -> list[str]:
        """What the processes logged that nobody foresaw: errors, and lines that their loggers did not write, as of a crash."""
        return [line for log in self.logs for line in log.read_text().splitlines() if _is_fault(line)]

    def put_files(self, world: World) -> None:
        """Put a world's files beside those that are there."""
        for kind, objects in (("ARTIFACTS", world.files.artifacts), ("LAKE", world.files.lake)):
            for key, body in objects.items():
                boto3.client("s3").put_object(Bucket=self.service.settings[f"PRESAGE_{kind}_BUCKET"], Key=key, Body=body)

    def wait_handed_over(self, acknowledged: set[str], *, seconds: float) -> tuple[set[str], set[str]]:
        """Return what of the acknowledged is missing in the log and among the assignments, at the latest after so long."""
        deadline = time.monotonic() + seconds
        unlogged = unassigned = acknowledged
        while True:
            unlogged, unassigned = unlogged - self._list_logged(sorted(unlogged)), unassigned - self._list_assigned()
            if not (unlogged or unassigned) or time.monotonic() > deadline:
                return unlogged, unassigned
            time.sleep(0.5)

    def _list_logged(self, wanted: list[str]) -> set[str]:
        """Which of these the table holds."""
        client, table, found = boto3.client("dynamodb"), self.service.settings["PRESAGE_PREDICTION_TABLE"], set()
        for start in range(0, len(wanted), KEYS_A_CALL):
            keys = [{"prediction_id": {"S": key}} for key in wanted[start : start + KEYS_A_CALL]]
            asked: dict[str, Any] = {table: {"Keys": keys, "ProjectionExpression": "prediction_id", "ConsistentRead": True}}
            found |= {item["prediction_id"]["S"] for item in client.batch_get_item(RequestItems=asked)["Responses"][table]}
        return found

    def _list_assigned(self) -> set[str]:
        """The predictions of all assignments that were published up to now."""
        client, queue = boto3.client("sqs"), self.service.settings["PRESAGE_ASSIGNMENTS_QUEUE_URL"]
        while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._assigned |= {assignment.prediction_id for assignment in decode_message(message["Body"])}
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return self._assigned


@contextmanager
def run_platform(world: World, mariadb: str, *, emulator_port: int, folder: Path) -> Iterator[Platform]:
    """Run everything until the context ends."""
    with ExitStack() as stack:
        settings = prepare(mariadb, world, folder)
        upstream = {**dict.fromkeys(AWS, emulator_port), "mysql": int(settings["PRESAGE_DATABASE_PORT"])}
        proxies = {name: Proxy(name, port) for name, port in upstream.items()}
        for proxy in proxies.values():
            stack.callback(proxy.close)
        settings["PRESAGE_DATABASE_PORT"] = str(proxies["mysql"].port)
        settings |= {f"AWS_ENDPOINT_URL_{name.upper()}": f"http://127.0.0.1:{proxies[name].port}" for name in AWS}
        log = folder / "consumer.log"
        consumer = stack.enter_context(_consume(settings, log))
        service = stack.enter_context(run(settings, folder))
        yield Platform(service, consumer, proxies, (service.log, log))


@contextmanager
def _consume(settings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    machine: dict[str, Any] = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}  # noqa: TID251 - endpoints and keys
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.integration.chaos.consumer"]
        process = subprocess.Popen(command, env={**machine, **settings}, cwd=log.parent, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _is_fault(line: str) -> bool:
    if not line.startswith("{"):
        return True
    said = json.loads(line)
    # The pool calls it an error when a connection that it gives up was cut: what the cut is for.
    return said["level"] in ("error", "critical") and not said["logger"].startswith("sqlalchemy.pool")


def _find_parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1
